"""Coming back, and beating."""

from __future__ import annotations

import numpy as np
import pytest
from chains import as_code, two_state
from known_codes import code_of, column

from sparsetime.errors import DataError
from sparsetime.metrics.temporal.periodicity import periodicity
from sparsetime.metrics.temporal.recurrence import recurrence


def test_recurrence_by_hand():
    # On again 3 steps after it was last on; then 5 (too late); the last cannot tell.
    found = recurrence(column([0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0]), within=4)
    assert found.share.value == 0.5
    assert found.by_feature.tolist() == [0.5]
    assert found.gap.tolist() == [2]


def test_no_gap_crosses_from_a_sequence_to_the_next():
    found = recurrence(column([1, 0, 0, 0, 1, 0, 0, 0]), [4, 4], within=3)
    assert found.share.value == 0
    assert np.isnan(found.gap).all()


def test_a_chain_comes_back_as_its_chance_says():
    # Off at the first step for sure, then on again within three with the chance 1 - 0.8^3.
    rng = np.random.default_rng(0)
    found = recurrence(as_code(two_state(rng, 0.5, 0.8, 50, 500)), within=4)
    low, high = found.share.interval
    assert low < 1 - 0.8**3 < high


def test_bursts_come_back_more_often_than_shuffled_steps():
    rng = np.random.default_rng(1)
    slow = two_state(rng, 0.98, 0.995, 40, 500)
    found = recurrence(as_code(slow & (rng.random(slow.shape) < 0.4)), within=8)
    assert found.share.beyond_null
    assert found.share.value > found.share.null


def test_recurrence_that_nothing_can_tell_is_refused():
    with pytest.raises(DataError, match="no run of a feature ends 2 or more steps before its seq"):
        recurrence(column([0, 0, 1]), within=2)
    with pytest.raises(DataError, match="within of 9 steps leaves no pairs"):
        recurrence(column([0, 0, 1]), within=9)


def test_beats_have_their_period():
    t = np.arange(600)
    pulses = np.tile(t % 23 == 0, (4, 1))
    wave = np.tile(t % 40 < 20, (4, 1))
    found = periodicity(as_code(pulses, wave, np.zeros((4, 600))), times=np.tile(0.1 * t, 4))
    assert found.period.tolist() == [23, 40, -1]
    assert found.strength[:2] == pytest.approx([1, 2], abs=0.1)
    # The four sequences are alike, so what is found in two is in the others.
    assert found.held_out[:2] == pytest.approx([1, 2], abs=0.1)
    assert np.isnan(found.strength[2]) and np.isnan(found.held_out[2])
    assert found.step == pytest.approx(0.1)
    assert found.beats.tolist() == [True, True, False]
    assert found.share.value == 1


def test_in_one_sequence_beats_have_a_period_and_no_confirmation():
    found = periodicity(as_code(np.arange(600) % 23 == 0))
    assert found.period.tolist() == [23]
    assert np.isnan(found.share.value) and np.isnan(found.held_out[0]) and not found.beats[0]


def test_a_beat_that_is_rarely_heard():
    """A pulse on one beat in five, which begins anywhere in a sequence."""
    rng = np.random.default_rng(2)
    t = np.arange(600) + rng.integers(0, 30, (80, 1))
    found = periodicity(as_code((t % 30 == 0) & (rng.random((80, 600)) < 0.2)))
    assert found.beats[0] and found.period[0] % 30 == 0
    # Pulses a beat apart are on together as often as they are on: a fifth.
    assert found.held_out[0] == pytest.approx(0.2, abs=0.06)


@pytest.mark.parametrize("stays", [0.5, 0.9, 0.97])
def test_lasting_is_no_beat(stays):
    """However long features last, one in twenty seems to beat."""
    rng = np.random.default_rng(2)
    found = periodicity(as_code(*(two_state(rng, stays, stays, 20, 300) for _ in range(150))))
    assert found.share.null == 0.05
    assert found.share.value < 0.11
    assert np.mean(found.held_out) < 0.01


def test_bursts_are_no_beat():
    rng = np.random.default_rng(4)
    bursts = (two_state(rng, 0.97, 0.99, 20, 300) for _ in range(80))
    found = periodicity(as_code(*(on & (rng.random(on.shape) < 0.4) for on in bursts)))
    assert found.share.value < 0.13


def test_a_beat_of_one_sequence_alone_is_not_confirmed():
    rng = np.random.default_rng(5)
    on = np.zeros((20, 300), dtype=bool)
    on[3] = np.arange(300) % 10 == 0
    found = periodicity(as_code(on, rng.random((20, 300)) < 0.1))
    assert found.period[0] == 10 and not found.beats[0]


def test_lags_of_few_sequences_are_compared_where_there_are_pairs():
    """Short sequences have no pairs at the lags of the long ones."""
    wave = np.arange(120) % 40 < 20
    code = as_code(np.concatenate([wave, wave, wave, wave[:30], wave[:30]]))
    found = periodicity(code, [120, 120, 120, 30, 30], longest=60)
    assert found.beats[0] and found.period[0] == 40


def test_no_beat_where_nothing_varies():
    with pytest.raises(DataError, match="no feature varies over these steps, so none has a per"):
        periodicity(code_of([[1]] * 5), longest=2)
    with pytest.raises(DataError, match="longest of 128 steps leaves no pairs"):
        periodicity(code_of([[1]] * 5))
