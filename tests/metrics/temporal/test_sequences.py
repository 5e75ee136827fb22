"""Codes in sequences: lengths, times, lags and labels, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from known_codes import code_of

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError, MismatchError
from sparsetime.metrics.temporal.sequences import check_labels, check_lag, in_sequences
from sparsetime.segments import Segments


def test_lengths_are_read_off_the_shape():
    dense = torch.ones(3, 5, 2)
    assert in_sequences(SparseCode.from_dense(dense)).lengths.tolist() == [5, 5, 5]
    assert in_sequences(SparseCode.from_dense(dense[0])).lengths.tolist() == [5]
    assert in_sequences(SparseCode.from_dense(dense[0]), [2, 3]).lengths.tolist() == [2, 3]
    segments = Segments.of_lengths([1, 4])
    assert in_sequences(SparseCode.from_dense(dense[0]), segments).segments is segments
    with pytest.raises(MismatchError, match="add up to 4"):
        in_sequences(SparseCode.from_dense(dense[0]), Segments.even(2, 2))


def test_rows_know_their_sequence():
    given = in_sequences(code_of([[1]] * 5), [2, 0, 3])
    assert given.begins.tolist() == [0, 0, 2, 2, 2]
    assert given.ends.tolist() == [2, 2, 5, 5, 5]
    assert given.group_of_row.tolist() == [0, 0, 2, 2, 2]


def test_many_sequences_are_put_in_32_groups_of_neighbours():
    given = in_sequences(code_of([[1]] * 100), [1] * 100)
    assert given.groups == 32
    assert (np.diff(given.group_of_sequence) >= 0).all()
    assert set(np.bincount(given.group_of_sequence)) == {3, 4}


def test_lengths_that_do_not_add_up_are_refused():
    with pytest.raises(
        MismatchError, match=r"got 2 lengths that add up to .* add up to the code's 3 steps"
    ):
        in_sequences(code_of([[1]] * 3), [1, 1])
    with pytest.raises(MismatchError, match="does not say which axis is time; reshape it to"):
        in_sequences(SparseCode.from_dense(torch.ones(2, 2, 2, 1)))
    with pytest.raises(DataError, match="the code has no steps"):
        in_sequences(SparseCode.from_dense(torch.ones(0, 1)))


def test_times_give_the_step():
    code = code_of([[1]] * 5)
    assert in_sequences(code, [3, 2], np.array([0, 0.5, 1, 7, 7.5])).step == 0.5
    assert in_sequences(code, [1] * 5, np.zeros(5)).step == 1.0


def test_times_that_were_rounded_are_still_regular():
    code = code_of([[1]] * 1000)
    seconds = 1.7e9 + np.arange(1000) / 250
    assert in_sequences(code, None, seconds).step == pytest.approx(1 / 250, rel=1e-4)
    assert in_sequences(code, None, np.arange(1000, dtype=np.float32) / 250).step > 0
    assert in_sequences(code, None, 7 * np.arange(1000)).step == 7


@pytest.mark.parametrize(
    ("times", "message", "error"),
    [
        ([0, 1, 2], "3 times for 4 steps; give one each", MismatchError),
        ([0, 1, np.nan, 3], "the time of step 2 is not finite", DataError),
        ([0, 2, 1, 3], "step 2 is at 1, after 2. Sort the steps by time", DataError),
        ([0, 1, 1, 2], "step 2 is at 1, after 1", DataError),
        ([0, 1, 2, 5], "most steps are 1 apart, steps 2 and 3 are 3 apart. Resample", DataError),
        ([1.7e9, 1.7e9 + 1, 1.7e9 + 2, 1.7e9 + 2.5], "steps 2 and 3 are 0.5 apart", DataError),
    ],
)
def test_times_that_are_no_regular_clock_are_refused(times, message, error):
    with pytest.raises(error, match=message):
        in_sequences(code_of([[1]] * 4), None, np.array(times, dtype=float))


def test_lags_that_leave_no_pairs_are_refused():
    given = in_sequences(code_of([[1]] * 5), [2, 3])
    check_lag(2, given)
    with pytest.raises(DataError, match="a lag of 3 steps leaves no pairs: the longest sequence h"):
        check_lag(3, given)
    with pytest.raises(DataError, match="of 0, expected at least 1 step"):
        check_lag(0, given)


def test_labels_that_do_not_align_are_named():
    with pytest.raises(MismatchError, match="the label 'kind' has 2 entries and the code 3 steps"):
        check_labels("kind", ["a", "b"], 3)
