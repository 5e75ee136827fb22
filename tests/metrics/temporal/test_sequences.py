"""What measures over time read, what they refuse, and how sure they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from known_codes import code_of

from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.metrics.temporal.sequences import check_labels, check_lag, in_sequences
from sparsetime.statistics import nulls
from sparsetime.statistics.estimate import Estimate, estimate, ratio_of


def test_lengths_are_read_off_the_shape():
    dense = torch.ones(3, 5, 2)
    assert in_sequences(SparseCode.from_dense(dense)).lengths.tolist() == [5, 5, 5]
    assert in_sequences(SparseCode.from_dense(dense[0])).lengths.tolist() == [5]
    assert in_sequences(SparseCode.from_dense(dense[0]), [2, 3]).lengths.tolist() == [2, 3]


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
    with pytest.raises(MismatchError, match="add up to the code's 3 steps; the 2 given add up to"):
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
    with pytest.raises(DataError, match="must be at least 1 step; 0 was given"):
        check_lag(0, given)


def test_labels_that_do_not_align_are_named():
    with pytest.raises(MismatchError, match="the label 'kind' has 2 entries and the code 3 steps"):
        check_labels("kind", ["a", "b"], 3)


def test_shuffling_keeps_the_steps_of_every_sequence():
    rng = np.random.default_rng(0)
    dense = np.maximum(rng.normal(size=(60, 5)), 0)
    given = in_sequences(code_of(dense.tolist()), [20, 0, 40])
    mixed = nulls.shuffled_steps(given.code, given.lengths, 0).dense().numpy()
    assert not np.array_equal(mixed, given.code.dense().numpy())
    for part in (slice(0, 20), slice(20, 60)):
        want = given.code.dense().numpy()[part]
        assert np.array_equal(np.sort(mixed[part], axis=0), np.sort(want, axis=0))
        assert set(map(bytes, mixed[part])) == set(map(bytes, want))


def test_rotation_keeps_distances_around_the_end():
    place = np.array([0, 3, 8])
    turned = nulls.circular_shift(place, np.full(3, 10), np.full(3, 0.25))
    assert turned.tolist() == [2, 5, 0]


def test_a_random_dictionary_takes_the_atoms_that_fit_best():
    x = torch.randn(30, 8, generator=torch.Generator().manual_seed(1)) + 5
    code = nulls.random_code(x, 16, 3, seed=2)
    dense = (x - x.mean(0)) @ nulls.random_atoms(16, 8, 2).T
    best = dense.topk(3, dim=1)
    want = torch.zeros(30, 16).scatter(1, best.indices, best.values.clamp_min(0))
    torch.testing.assert_close(code.dense(), want)
    with pytest.raises(ConfigError, match="got active=17, expected 1 to 16, the width of"):
        nulls.random_code(x, 16, 17)


def test_the_interval_of_a_mean_is_that_of_the_normal_law():
    rng = np.random.default_rng(0)
    values = rng.normal(size=400)
    found = estimate(ratio_of(values, np.ones(400)), 400, 5.0, "five")
    error = values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.interval == pytest.approx(
        [values.mean() - 1.96 * error, values.mean() + 1.96 * error], abs=0.3 * error
    )
    assert found.beyond_null
    assert not Estimate(1.0, (0.0, 2.0), 0.5, "a half").beyond_null


def test_one_sequence_has_no_interval():
    found = estimate(ratio_of(np.ones(1), np.ones(1)), 1, 0.0, "nothing")
    assert found.interval is None
    assert not found.beyond_null
