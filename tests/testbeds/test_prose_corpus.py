"""The prose corpus: what is read, in which order, under which labels."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetime.errors import DataError
from sparsetime.testbeds.prose import corpus as rooms


@pytest.fixture(scope="module")
def documents():
    return rooms.corpus()


def test_both_sources_are_there_and_large_enough(documents):
    size = {"topics": 0, "docstrings": 0}
    count = dict(size)
    for document in documents:
        size[document.source] += len(document.text)
        count[document.source] += 1
    assert count["topics"] >= 70 and size["topics"] > 400_000
    assert count["docstrings"] > 120 and size["docstrings"] > 1_000_000


def test_ids_are_unique_and_carry_their_labels(documents):
    assert len({document.id for document in documents}) == len(documents)
    for document in documents:
        assert document.id == f"{document.labels['source']}/{document.labels['name']}"
        assert document.labels["source"] == document.source


def test_the_first_documents_are_read_alone(documents):
    last = rooms.topics()[-1].id
    few = rooms.corpus(next(i for i, one in enumerate(documents) if one.id == last) + 3)
    assert [vars(one) for one in few] == [vars(one) for one in documents[: len(few)]]
    assert few[-3].id == last


def test_topics_come_twice_the_same():
    assert [vars(d) for d in rooms.topics()] == [vars(d) for d in rooms.topics()]


def test_spans_lie_inside_the_text_and_do_not_overlap(documents):
    for document in documents:
        for spans in document.spans.values():
            end = 0
            for begin, stop, _ in spans:
                assert end <= begin < stop <= len(document.text)
                end = stop


def test_every_character_but_white_space_has_a_kind(documents):
    for document in documents[::20]:
        bare = list(document.text)
        for begin, stop, kind in document.spans["kind"]:
            assert kind in rooms.KINDS
            bare[begin:stop] = " " * (stop - begin)
        assert not "".join(bare).strip()


def test_no_module_of_tests_and_none_that_says_nothing(documents):
    for document in documents:
        assert "test" not in document.id.split("/")[1].split(".")
        if document.source == "docstrings":
            assert len(document.text) >= rooms.SMALLEST_MODULE


def test_sections_of_a_topic_begin_at_their_headings(documents):
    document = next(d for d in documents if d.id == "topics/specialnames")
    for begin, _, title in document.spans["section"]:
        assert re.match(re.escape(title) + r"\n[*=~^-]{3}", document.text[begin:])
    assert len(document.spans["section"]) > 5


def test_sections_of_a_module_are_qualified_names():
    source = b'"""Top."""\nclass A:\n    """A\n\n    long."""\n    def f(self):\n        """F."""\n'
    text, spans = rooms.join_docstrings(source, "m.n")
    assert text == "Top.\n\nA\n\nlong.\n\nF."
    assert [(text[a:b], name) for a, b, name in spans] == [
        ("Top.", "m.n"),
        ("A\n\nlong.", "m.n.A"),
        ("F.", "m.n.A.f"),
    ]


def test_a_docstring_is_kept_once():
    source = b'def f():\n    """Same."""\ndef g():\n    """Same."""\n'
    assert rooms.join_docstrings(source, "m") == ("Same.", [(0, 5, "m.f")])


def test_a_source_that_does_not_parse_has_no_docstrings():
    assert rooms.join_docstrings(b"def (", "m") == ("", [])
    assert rooms.join_docstrings(b"\0", "m") == ("", [])


def test_half_a_surrogate_pair_does_not_reach_the_text():
    text, _ = rooms.join_docstrings(b'"""half \\ud800 a pair"""', "m")
    assert text == "half ? a pair"


def test_ruled_lines_are_short(documents):
    text, _ = rooms.join_docstrings(b'"""Title\n-----\n\n=====..."""', "m")
    assert text == "Title\n---\n\n===..."
    assert not any(re.search(r"-{4}|={4}|\*{4}", document.text) for document in documents)


def test_an_empty_library_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no documented Python sources were found in .*compiled"):
        rooms.docstrings(tmp_path)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("a word, 12 more!", "word word punctuation number word punctuation"),
        ("call f(x) or os.path.join", "word name punctuation word punctuation word name"),
        ("__init__() and `x + y`", "name word name"),
        ("ValueError or camelCase utf8", "name word name name"),
        ("e.g. this", "word punctuation word punctuation word"),
        ("a == b", "word symbol symbol word"),
        ("0x1F and 3.14.", "number word number punctuation"),
    ],
)
def test_kinds(text, kinds):
    assert [kind for _, _, kind in rooms.kind_spans(text)] == kinds.split()


@given(st.text())
def test_kinds_cover_any_text(text):
    covered = sum(stop - begin for begin, stop, _ in rooms.kind_spans(text))
    white = sum(character.isspace() for character in text)
    assert len(text) - white - covered <= 0 and covered <= len(text)
