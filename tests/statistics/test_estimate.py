"""Estimates and their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sparsetime.statistics.estimate import (
    Estimate,
    bootstrap_groups,
    estimate,
    mean_over_features,
    median_over_features,
    ratio_of,
)


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


def test_an_estimate_without_a_null_is_never_beyond_it():
    found = estimate(ratio_of(np.arange(4.0), np.ones(4)), 4)
    assert math.isnan(found.null) and found.null_is == ""
    assert found.interval is not None


def test_groups_hold_neighbours():
    assert bootstrap_groups(3).tolist() == [0, 1, 2]
    assert bootstrap_groups(0).tolist() == []
    groups = bootstrap_groups(64)
    assert groups.tolist() == sorted(groups.tolist()) and set(np.bincount(groups)) == {2}


def test_means_and_medians_leave_out_features_without_a_value():
    values = np.array([[1.0, 2.0, 6.0, np.nan], [np.nan] * 4])
    assert mean_over_features(values)[0] == 3 and median_over_features(values)[0] == 2
    assert np.isnan(mean_over_features(values)[1]) and np.isnan(median_over_features(values)[1])
