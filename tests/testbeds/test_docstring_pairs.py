"""Pairs of a docstring's sentence and a function's source, on made modules."""

import pytest

from sparsetime.errors import ConfigError
from sparsetime.testbeds.python_code.docstring_pairs import PARTS, docstring_pairs

SOURCE = '''
def first(x):
    """Return the first value of x. It is fast.

    More.
    """

    return x[0]


class Queue:
    def put(self, item,
            block=True):
        """Put an item into the queue"""
        if block:
            self.wait()
        self.items.append(item)


def short(x):
    """Too short."""
    return x


def empty():
    """Do nothing at all here."""


def again(y):
    """Return the first value of x."""
    return y
'''


def test_a_query_is_the_first_sentence_and_its_document_has_no_docstring(tmp_path):
    names = ("queue", "heapq", "bisect", "string", "textwrap")
    for number, name in enumerate(names):
        (tmp_path / f"{name}.py").write_text(SOURCE if not number else f"x = {number}\n")
    found = [pair for part in PARTS for pair in docstring_pairs(part, library=tmp_path)]
    by_name = {pair.name: (pair.query, pair.document) for pair in found}
    assert by_name == {
        "queue.first": ("Return the first value of x", "def first(x):\nreturn x[0]"),
        "queue.put": (
            "Put an item into the queue",
            "def put(self, item,\nblock=True):\nif block:\nself.wait()\nself.items.append(item)",
        ),
    }
    cut = [pair for part in PARTS for pair in docstring_pairs(part, 12, tmp_path)]
    assert {len(pair.document) for pair in cut} == {12}
    with pytest.raises(ConfigError, match="got part='all', expected one of training"):
        docstring_pairs("all", library=tmp_path)
