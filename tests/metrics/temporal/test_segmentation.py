"""Change points against true boundaries."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_codes import code_of

from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.metrics.temporal import segmentation as measure
from sparsetime.metrics.temporal.segmentation import change_points, label_boundaries, segmentation


def at(*places):
    return np.array(places, dtype=np.int64)


def test_figures_by_hand():
    found = segmentation([at(10, 20, 50)], [at(11, 19, 80, 90)], [100], (0, 1))
    assert found.f1[0].value == 0
    assert found.precision[1].value == pytest.approx(2 / 3)
    assert found.recall[1].value == pytest.approx(2 / 4)
    assert found.f1[1].value == pytest.approx(2 * 2 / 7)
    assert (found.found, found.true) == (3, 4)
    assert found.f1[1].interval is None


def test_a_true_boundary_counts_for_one_change_point():
    found = segmentation([at(10, 11, 12)], [at(11)], [100], (5,))
    assert found.precision[0].value == pytest.approx(1 / 3)
    assert found.recall[0].value == 1


@given(
    st.lists(st.integers(1, 30), max_size=6, unique=True).map(sorted),
    st.lists(st.integers(1, 30), min_size=1, max_size=6, unique=True).map(sorted),
    st.integers(0, 6),
)
def test_as_many_are_paired_as_can_be(found, true, tolerance):
    def most(left, right):
        best = 0
        for size in range(1, min(len(left), len(right)) + 1):
            for a in combinations(left, size):
                for b in combinations(right, size):
                    # On a line the best pairing of equal sizes is in order.
                    if all(abs(x - y) <= tolerance for x, y in zip(a, b, strict=True)):
                        best = size
        return best

    assert measure._paired(at(*found), at(*true), tolerance) == most(found, true)


def test_chance_is_what_random_places_give():
    # Each of 50 places in 1,000 steps has a true boundary within 2 steps with the chance 5 %.
    rng = np.random.default_rng(0)
    true = [at(*range(100, 1000, 100))] * 40
    found = segmentation(
        [np.unique(rng.integers(1, 1000, 5)) for _ in true], true, [1000] * 40, (2,)
    )
    assert found.precision[0].null == pytest.approx(9 * 5 / 1000, rel=0.15)
    assert not found.f1[0].beyond_null
    exact = segmentation(true, true, [1000] * 40, (2,))
    assert exact.f1[0].value == 1 and exact.f1[0].beyond_null


def test_a_code_that_turns_has_its_change_points_there():
    rng = np.random.default_rng(1)
    labels, rows = [], np.zeros((540, 12))
    for n, (a, b) in enumerate([(0, 70), (70, 130), (130, 180), (180, 400), (400, 540)]):
        part = n % 3
        rows[a:b, 4 * part : 4 * part + 4] = rng.random((b - a, 4)) < 0.6
        labels += [part] * (b - a)
    points = change_points(code_of(rows.tolist()), [180, 360])
    true = label_boundaries("part", labels, [180, 360])
    assert [each.tolist() for each in true] == [[70, 130], [220]]
    found = segmentation(points, true, [180, 360], (2,))
    assert found.recall[0].value == 1


def test_windows_and_tolerances_in_the_unit_of_the_times():
    """States of 10 steps of 0.1 s, with one step of another in the middle of two."""
    rows = np.repeat(np.eye(6)[:5], 10, axis=0)
    rows[[4, 24]] = np.eye(6)[5]
    code, times = code_of(rows.tolist()), 0.1 * np.arange(50)
    every = change_points(code)[0]
    assert every.tolist() == [4, 5, 10, 20, 24, 25, 30, 40]
    long = change_points(code, times=times, window=0.5)[0]
    assert long.tolist() == change_points(code, window=5)[0].tolist() == [10, 20, 30, 40]
    true = [at(10, 20, 30, 40)]
    found = segmentation([long + 2], true, [50], (0.1, 0.2), step=0.1)
    assert [each.value for each in found.f1] == [0, 1] and found.tolerances == (0.1, 0.2)


def test_bad_boundaries_are_refused():
    with pytest.raises(MismatchError, match="change points of 1 sequences, true boundaries of 2"):
        segmentation([at(1)], [at(1), at(1)], [9, 9])
    with pytest.raises(DataError, match=r"every change point lies between two steps .* one at 9"):
        segmentation([at(9)], [at(1)], [9])
    with pytest.raises(DataError, match=r"every true boundary lies between .* one at 0"):
        segmentation([at(3)], [at(0, 1)], [9])
    with pytest.raises(DataError, match="no sequence has a true boundary"):
        segmentation([at(3)], [at()], [9])
    with pytest.raises(
        DataError, match="got a tolerance of -1, expected a number of steps of at least 0"
    ):
        segmentation([at(3)], [at(3)], [9], (-1, 2))
    with pytest.raises(MismatchError, match="the label 'part' has 2 entries and the code 9 steps"):
        label_boundaries("part", ["a", "b"], [9])
    with pytest.raises(
        DataError, match="states of at least 24 steps, and the longest sequence has"
    ):
        change_points(code_of([[1], [0]]), window=24)
    with pytest.raises(ConfigError, match=r"got window=1 and penalty=-1, expected .* at least 0"):
        change_points(code_of([[1], [0]]), penalty=-1)
