"""Rows of a timeline: which features, in which order, with which percent of their peak."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparsetime.codes import SparseCode
from sparsetime.errors import MismatchError
from sparsetime.explorer import row_choice
from sparsetime.explorer.row_choice import FeatureTable, choose_rows
from sparsetime.explorer.workbench.timeline import row_cells


def table(dwell, density=None, peak=None, groups=None):
    width = len(dwell)
    return FeatureTable(
        dwell=np.array(dwell, float),
        density=np.full(width, 0.01) if density is None else np.array(density, float),
        peak=np.ones(width) if peak is None else np.array(peak, float),
        words=[[f"word{i}"] for i in range(width)],
        groups=groups or (width,),
    )


def code(rows):
    return SparseCode.from_dense(torch.tensor(rows, dtype=torch.float32))


def drawn(code, table, rows=row_choice.ROWS):
    """The rows of a timeline of a code: feature, part, dwell, steps and strengths."""
    chosen = choose_rows(code, table, rows)
    return [
        SimpleNamespace(
            feature=int(number),
            part=table.part(int(number)),
            dwell=table.dwell[number],
            steps=steps.tolist(),
            strengths=strengths.tolist(),
        )
        for number, (steps, strengths) in zip(chosen, row_cells(code, chosen, table), strict=True)
    ]


def test_rows_are_sorted_by_dwell_over_the_corpus():
    panel = drawn(code([[1, 1, 1, 0], [0, 1, 0, 0]]), table([2, 9, 5, 99]))
    assert [row.feature for row in panel] == [1, 2, 0]
    assert [row.dwell for row in panel] == [9, 5, 2]


def test_steps_and_strengths_are_percent_of_the_corpus_maximum():
    panel = drawn(code([[0.5], [0], [2.0]]), table([1], peak=[4]))
    assert (panel[0].steps, panel[0].strengths) == ([0, 2], [12, 50])


def test_dense_features_are_left_out():
    panel = drawn(code([[1, 1]]), table([1, 1], density=[0.51, 0.5]))
    assert [row.feature for row in panel] == [1]


def test_half_the_rows_are_slow_however_loud_the_fast_ones_are():
    dwell = [9, 8, 7, 6, 1, 1, 1, 1]
    loud = [[0.1, 0.1, 0.1, 0.2, 1, 1, 1, 0.9]]
    panel = drawn(code(loud), table(dwell), rows=4)
    assert [row.feature for row in panel] == [0, 3, 4, 5]


def test_dictionaries_with_parts_and_with_more_alive_come_first():
    parts, most, some = (
        table([1, 2], density=[0.1, 0.0], groups=(1, 2)),
        table([1, 2], density=[0.1, 0.1]),
        table([1, 2], density=[0.1, 0.0]),
    )
    assert sorted([some, most, parts], key=lambda each: each.place) == [parts, most, some]


def test_each_part_has_half_of_the_rows_however_weak_it_is():
    loud_rest = code([[1, 1, 9, 9, 9, 9]])
    known = table([1, 2, 8, 7, 6, 5], groups=(2, 6))
    assert [row.feature for row in drawn(loud_rest, known, rows=4)] == [2, 3, 1, 0]


def test_one_half_fills_the_places_that_the_other_leaves():
    panel = drawn(code([[1, 1, 1]]), table([3, 2, 1]), rows=3)
    assert [row.feature for row in panel] == [0, 1, 2]


def test_parts_follow_the_first_group():
    one = drawn(code([[1, 1]]), table([2, 1]))
    two = drawn(code([[1, 1]]), table([2, 1], groups=(1, 2)))
    assert [row.part for row in one] == ["", ""]
    assert [row.part for row in two] == ["first", "rest"]


def test_a_silent_passage_has_no_rows():
    assert drawn(code([[0, 0]]), table([1, 1])) == []


def test_code_and_table_of_different_widths_are_refused():
    with pytest.raises(MismatchError, match="has 2 features and the feature table 3; both must"):
        drawn(code([[1, 1]]), table([1, 1, 1]))


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_any_code_gives_sorted_distinct_rows_no_more_than_asked(seed, rows):
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(6, 20)) * (rng.random((6, 20)) < 0.3)
    panel = drawn(code(dense.tolist()), table(rng.uniform(1, 9, 20)), rows=rows)
    dwell = [row.dwell for row in panel]
    active = int((dense != 0).any(0).sum())
    assert dwell == sorted(dwell, reverse=True)
    assert len({row.feature for row in panel}) == len(panel) == min(rows, active)
    assert all(s >= 1 for row in panel for s in row.strengths)


def test_words_stand_for_a_feature_only_where_they_tell():
    """The first fires often and on all words alike, the second on some, the third hardly ever."""
    features = pa.table(
        {
            "dwell": [20.0, 2.0, 1.0],
            "density": [0.4, 0.4, 0.001],
            "max": [1.0, 1.0, 1.0],
            "word_information": [0.02, 0.9, -0.1],
            "words": [["of", "is"], ["river", "town"], ["seldom"]],
        }
    )
    table = row_choice.table_of(SimpleNamespace(features=features, groups=(3,)))
    assert table.words == [[row_choice.ANY_WORD], ["river", "town"], ["seldom"]]


def test_without_text_no_feature_has_words():
    nothing = pa.nulls(2)
    features = pa.table(
        {
            "dwell": [1.0, 1.0],
            "density": [0.4, 0.1],
            "max": [1.0, 1.0],
            "word_information": nothing.cast(pa.float64()),
            "words": nothing.cast(pa.list_(pa.string())),
        }
    )
    table = row_choice.table_of(SimpleNamespace(features=features, groups=(2,)))
    assert table.words == [[], []]
