"""False-discovery rates: closed forms, and the rate under a null whose tests differ in shape."""

from __future__ import annotations

import numpy as np
import pytest

from sparsetime import seeds
from sparsetime.statistics.false_discovery import benjamini_hochberg, pooled_p_values


def test_q_values_of_benjamini_and_hochberg():
    p = np.array([0.04, 0.01, np.nan, 0.03, 0.9])
    assert benjamini_hochberg(p) == pytest.approx(
        [0.04 * 4 / 3, 0.04, np.nan, 0.04 * 4 / 3, 0.9], nan_ok=True
    )
    assert np.isnan(benjamini_hochberg(np.full(3, np.nan))).all()


def test_pooled_p_values_are_uniform_where_there_is_nothing_to_find():
    """Counts of rare and of frequent events, whose nulls have other scales and shapes."""
    rng = seeds.numpy_generator(0, "planted codes")
    rate = np.repeat([0.5, 3.0, 200.0], 1000)
    drawn = rng.poisson(rate[:, None], size=(3000, 101)).astype(np.float32)
    p = pooled_p_values(drawn[:, 0].astype(float), drawn[:, 1:], rate)
    for part in (p[:1000], p[1000:2000], p[2000:]):
        assert (part <= 0.05).mean() < 0.075
        assert (part <= 0.01).mean() < 0.02
    assert (p[2000:] <= 0.05).mean() > 0.03
    assert (benjamini_hochberg(p) <= 0.05).sum() <= 3


def test_a_value_far_beyond_all_draws_has_the_smallest_p():
    rng = seeds.numpy_generator(1, "planted codes")
    null = rng.standard_normal((100, 50)).astype(np.float32)
    observed = np.append(40.0, rng.standard_normal(99))
    p = pooled_p_values(observed, null, np.ones(100))
    assert p[0] == pytest.approx(1 / 2501) or p[0] == pytest.approx(1 / 5001)
    assert benjamini_hochberg(p)[0] < 0.05


def test_what_has_no_value_is_no_test():
    p = pooled_p_values(np.array([np.nan, 1.0]), np.zeros((2, 30), np.float32), np.ones(2))
    assert np.isnan(p[0]) and p[1] == pytest.approx(1 / 31)


def test_draws_that_are_all_alike_find_nothing():
    """Rounding of the draws to float32 is no deviation."""
    value = 2.0 / 3.0
    null = np.full((60, 30), value, dtype=np.float32)
    p = pooled_p_values(np.full(60, value), null, np.ones(60))
    assert (p == 1.0).all()
