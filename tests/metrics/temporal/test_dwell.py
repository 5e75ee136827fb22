"""Dwell and flicker, by hand and against real shuffles."""

from __future__ import annotations

import numpy as np
import pytest
from chains import as_code, two_state
from known_codes import code_of

from sparsetime.errors import DataError
from sparsetime.features import timescales
from sparsetime.metrics.temporal.dwell import dwell
from sparsetime.metrics.temporal.flicker import flicker
from sparsetime.metrics.temporal.sequences import in_sequences
from sparsetime.statistics.nulls import shuffled_steps

# Feature 0 runs for 3 and 1 steps, feature 1 for 2.
RUNS = code_of([[1, 0], [1, 0], [1, 1], [0, 1], [1, 0]])


def test_figures_by_hand():
    found = dwell(RUNS)
    assert found.by_feature.tolist() == [2, 2]
    assert found.mean.value == found.over_runs.value == 2
    restless = flicker(RUNS)
    assert restless.switches.value == 4 / 4
    assert restless.share.value == pytest.approx(4 / (2 + 3 + 3 + 2))
    assert found.mean.interval is None
    # 4 of 5 steps: 4 * 2 / 5 runs are expected; 2 of 5: 2 * 4 / 5.
    assert found.null_by_feature.tolist() == pytest.approx([4 / 1.6, 2 / 1.6])
    # 2 n (T - n) / T switches each, over 4 pairs.
    assert restless.switches.null == pytest.approx((2 * 4 * 1 / 5 + 2 * 2 * 3 / 5) / 4)
    assert restless.share.null == pytest.approx((8 / 5 + 12 / 5) / (2 * 4 * 4 / 5 + 2 * 2 * 4 / 5))


def test_a_chain_lasts_as_its_chance_to_stay_says():
    rng = np.random.default_rng(0)
    code = as_code(two_state(rng, 0.9, 0.95, 40, 1000))
    found = dwell(code)
    low, high = found.mean.interval
    assert low < 10 < high and high - low < 1.5
    assert found.mean.beyond_null
    # On one time in three: a shuffled feature stays with the chance 1 / 3.
    assert found.mean.null == pytest.approx(1.5, rel=0.05)
    restless = flicker(code).switches
    assert restless.value == pytest.approx(2 * 0.1 / 3, rel=0.1)
    assert restless.null == pytest.approx(4 / 9, rel=0.05)
    assert restless.beyond_null


def test_the_null_is_what_shuffles_give():
    rng = np.random.default_rng(1)
    code = as_code(*(two_state(rng, 0.8, 0.9, 6, 30) for _ in range(3)))
    given = in_sequences(code)
    found = dwell(code)
    runs, switches = np.zeros(3), 0.0
    for n in range(400):
        mixed = timescales.runs(shuffled_steps(given.code, given.lengths, n), given.segments)
        runs += np.bincount(mixed.feature, minlength=3) / 400
        switches += timescales.switches(mixed, given.segments, 3).sum() / 400
    on = np.bincount(code.indices.numpy(), minlength=3)
    assert found.null_by_feature == pytest.approx(on / runs, rel=0.02)
    assert flicker(code).switches.null == pytest.approx(switches / (6 * 29), rel=0.02)


def test_a_shuffled_code_is_at_its_null():
    rng = np.random.default_rng(2)
    code = as_code(rng.random((30, 200)) < 0.3)
    assert not dwell(code).mean.beyond_null
    assert not flicker(code).share.beyond_null


def test_a_silent_feature_is_unknown_and_does_not_count():
    found = dwell(code_of([[1, 0], [1, 0]]))
    assert np.isnan(found.by_feature[1]) and np.isnan(found.null_by_feature[1])
    assert found.mean.value == 2


def test_codes_without_firing_or_pairs_are_refused():
    with pytest.raises(DataError, match="no feature fires on this data"):
        dwell(code_of([[0], [0]]))
    with pytest.raises(DataError, match="no sequence has two steps, so nothing can switch"):
        flicker(code_of([[1], [1]]), [1, 1])
    assert np.isnan(flicker(code_of([[0], [0]])).share.value)
