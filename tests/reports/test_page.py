"""The page: one file, nothing fetched, nothing that a corpus says is run."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from pydantic import ValidationError

from sparsetime.explorer.report_schema import Definition
from sparsetime.reports.report import embedded_json, render


class Elements(HTMLParser):
    """Names and attributes of all elements, and what scripts hold."""

    def __init__(self, html):
        super().__init__()
        self.found, self.scripts = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.found and self.found[-1][0] == "script":
            self.scripts[-1] += data


@pytest.fixture(scope="module")
def html(page_data):
    return render(page_data)


def test_nothing_is_fetched(html):
    elements = Elements(html)
    for _, attributes in elements.found:
        assert not {"src", "srcset", "data", "action"} & attributes.keys()
        assert attributes.get("href", "#").startswith("#")
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(", html)
    assert set(re.findall(r"https?://[^\s\"'<]+", html)) <= {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in html


def test_the_page_is_small(html):
    assert len(html.encode()) < 2_000_000


def test_ids_are_unique(html):
    ids = [a["id"] for _, a in Elements(html).found if "id" in a]
    assert len(ids) == len(set(ids))


def test_the_embedded_record_is_the_score(page_data):
    value = json.loads(embedded_json(page_data))
    assert value["score"][0]["words"] == page_data.score[0].words
    assert value.keys() == {"score", "dictionaries", "unit"}


def test_text_of_the_corpus_cannot_leave_its_place(hostile_page):
    html = render(hostile_page)
    elements = Elements(html)
    assert [tag for tag, _ in elements.found].count("script") == 2
    assert "alert(1)" not in elements.scripts[-1]
    assert "<script>alert" not in html and "{{ 7*7 }}" in html.replace("&#34;", '"')
    html.encode("utf-8")
    assert not set("<>&") & set(embedded_json(hostile_page))


def test_figures_carry_their_definition(page_data, html):
    for row in page_data.comparison:
        assert f'title="{row.definition}"' in html
        assert f'id="definition-{row.name}"' in html


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Definition(name="a", label="b", definition="c", range="d", source="e", colour="f")
