"""Comparison at equal L0 and FVU."""

from __future__ import annotations

import math

import pytest

from sparsetime.comparison.matched_sparsity import FrontierPoint, matched_comparison
from sparsetime.errors import DataError, MismatchError, UnknownNameError
from sparsetime.metrics.evaluation_report import EvaluationReport
from sparsetime.metrics.metric import MetricValue


def frontier(gain, fvu=1.0):
    """FVU falls and the figure grows with the logarithm of L0."""
    return [
        FrontierPoint(l0, fvu * (0.4 - 0.05 * math.log2(l0)), gain * math.log2(l0))
        for l0 in (16, 64)
    ]


def test_figures_are_read_between_points():
    found = matched_comparison({"a": [frontier(1)], "b": [frontier(2, 1.02)]}, "l0", 32)
    assert found.value("a") == pytest.approx(5)
    assert found.value("b") == pytest.approx(10)
    assert found.points["a"][0].fvu == pytest.approx(0.15)
    apart = found.difference("b", "a")
    assert apart.value == pytest.approx(5)
    assert apart.interval is None and apart.null == 0


def test_fvu_can_be_held_instead():
    a = [FrontierPoint(10, 0.4, 1.0), FrontierPoint(40, 0.1, 3.0)]
    b = [FrontierPoint(10.1, 0.4, 2.0), FrontierPoint(39, 0.1, 2.0)]
    found = matched_comparison({"a": [a], "b": [b]}, "fvu", 0.2)
    assert found.value("a") == pytest.approx(2)
    assert found.points["b"][0].fvu == pytest.approx(0.2)


def test_the_difference_is_taken_seed_by_seed():
    gains = (1.0, 1.5, 2.0, 2.5)
    found = matched_comparison(
        {"a": [frontier(g) for g in gains], "b": [frontier(g + 0.1) for g in gains]}, "l0", 16
    )
    low, high = found.difference("b", "a").interval
    assert low == pytest.approx(0.4) and high == pytest.approx(0.4)
    assert found.difference("b", "a").beyond_null


def test_unequal_dictionaries_are_not_compared():
    message = "at L0 32 the FVU of 'b' is 0.18 and that of 'a' 0.15, 20% apart where 5% is allowed"
    with pytest.raises(MismatchError, match=message):
        matched_comparison({"a": [frontier(1)], "b": [frontier(1, 1.2)]}, "l0", 32)
    with pytest.raises(MismatchError, match=r"at FVU 0.15 the L0 of 'a' .* hold the L0 instead"):
        b = [FrontierPoint(4, 0.2, 1.0), FrontierPoint(8, 0.1, 1.0)]
        matched_comparison({"a": [frontier(1)], "b": [b]}, "fvu", 0.15)


def test_frontiers_that_do_not_serve_are_refused():
    a = [frontier(1)]
    with pytest.raises(DataError, match="'a' reaches from L0 16 to 64, and 128 is outside; train"):
        matched_comparison({"a": a, "b": a}, "l0", 128)
    with pytest.raises(MismatchError, match="with equally many seeds; these have: 'a' 1, 'b' 2"):
        matched_comparison({"a": a, "b": a * 2}, "l0", 32)
    with pytest.raises(DataError, match="a frontier of 'b' has no points"):
        matched_comparison({"a": a, "b": [[]]}, "l0", 32)
    with pytest.raises(DataError, match="L0 and FVU must be above 0, all finite"):
        matched_comparison({"a": a, "b": [[FrontierPoint(16, 0.1, math.nan)]]}, "l0", 16)
    with pytest.raises(UnknownNameError, match="unknown recipe 'c'"):
        matched_comparison({"a": a, "b": a}, "l0", 32).value("c")


def test_a_point_is_read_off_a_report():
    metrics = {
        name: MetricValue(value, "", "", "")
        for name, value in (("l0", 8.0), ("fvu", 0.2), ("dwell", 3))
    }
    assert FrontierPoint.of(EvaluationReport(metrics), "dwell") == FrontierPoint(8.0, 0.2, 3)
    with pytest.raises(UnknownNameError, match="unknown metric 'dwel': did you mean 'dwell'"):
        FrontierPoint.of(EvaluationReport(metrics), "dwel")
