"""The form of the table of questions by which the layout of the package is judged."""

from __future__ import annotations

import csv
from pathlib import Path

TABLE = Path(__file__).with_name("questions.tsv")


def questions():
    """Return the rows of the table as dicts."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True))


def answered_paths():
    """Return the acceptable paths of every question about what exists today, by its number."""
    return {
        int(row["number"]): row["answer"].split(" | ")
        for row in questions()
        if row["exists"] == "yes"
    }


def test_the_table_has_sixty_different_questions():
    rows = questions()
    assert [int(row["number"]) for row in rows] == list(range(1, 61))
    assert len({row["question"].casefold() for row in rows}) == 60
    assert {row["exists"] for row in rows} == {"yes", "later"}


def test_every_row_is_a_question_with_paths_in_the_package():
    for row in questions():
        assert list(row) == ["number", "question", "answer", "exists"]
        assert row["question"].endswith("?")
        assert all(path.startswith("sparsetime/") for path in row["answer"].split(" | "))
