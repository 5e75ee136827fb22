"""The page: one file, nothing fetched, nothing that a corpus says is run."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from html.parser import HTMLParser

import pytest
from pydantic import ValidationError

from sparsetime.explorer.records import Definition
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
    modules = json.loads(html.partition('type="importmap">')[2].partition("</script>")[0])
    for address in modules["imports"].values():
        assert address.startswith("data:text/javascript;base64,")
    assert set(re.findall(r"https?://[^\s\"'<]+", html)) <= {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in html


def test_the_page_is_small(html):
    assert len(html.encode()) < 2_000_000


def test_ids_are_unique(html):
    ids = [a["id"] for _, a in Elements(html).found if "id" in a]
    assert len(ids) == len(set(ids))


def test_the_embedded_record_is_the_timeline(page_data):
    value = json.loads(embedded_json(page_data))
    assert value["passages"][0]["words"] == page_data.timeline.passages[0].words
    assert value.keys() == {
        "checksum", "passages", "dictionaries", "unit", "step", "time_unit", "sequence_name",
    }  # fmt: skip


def test_modules_are_embedded_with_all_that_they_import(html):
    modules = json.loads(html.partition('type="importmap">')[2].partition("</script>")[0])[
        "imports"
    ]
    texts = {
        name: b64decode(address.partition(",")[2]).decode() for name, address in modules.items()
    }
    for lane in ("series", "video", "token_labels", "minimap"):
        assert f"sparsetime/lanes/{lane}/lane.js" in texts
    for name, text in texts.items():
        for other in re.findall(r'from "([^"]+)"', text):
            assert other in texts, f"{name} imports {other}"


def test_text_of_the_corpus_cannot_leave_its_place(hostile_page):
    html = render(hostile_page)
    elements = Elements(html)
    assert [tag for tag, _ in elements.found].count("script") == 4
    assert not any("alert(1)" in script for script in elements.scripts[-2:])
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
