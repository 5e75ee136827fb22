"""Temporal metrics in an evaluation report."""

from __future__ import annotations

import numpy as np
import pytest
from chains import two_state
from known_codes import Itself, make_store

from sparsetime.metrics.evaluate import evaluate


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    rng = np.random.default_rng(0)
    slow, fast = (two_state(rng, s, s, 8, 200) for s in (0.95, 0.5))
    x = np.stack([slow, fast], axis=-1).astype(float)
    store = make_store(tmp_path_factory.mktemp("s") / "s", list(x))
    return evaluate(Itself(2, groups=(1, 2)), store, ["persistence", "temporal"], progress=False)


def test_the_slow_part_is_smoother_than_the_fast(report):
    # 2 (1 - r): r is 0.9 for the slow chain and 0 for the fast one.
    assert report["roughness/high"].value == pytest.approx(0.2, abs=0.05)
    assert report["roughness/low"].value == pytest.approx(2, abs=0.15)
    assert report["frequency/high"].value < 0.1 < 0.22 < report["frequency/low"].value
    assert report["recurrence/low"].value > 0.95
    assert abs(report["position_explained"].value) < 0.05


def test_figures_come_with_their_interval_and_their_null(report):
    for name in (
        "dwell",
        "dwell_over_runs",
        "flicker",
        "flicker_share",
        "half_life_median",
        "roughness",
        "frequency",
        "position_explained",
        "recurrence",
    ):
        for part in ("", "/high", "/low"):
            figure = report[name + part]
            low, high = figure.details["interval"]
            assert low <= high
            assert np.isfinite(figure.details["null"])
            assert figure.details["null_is"]
    low, high = report["dwell/high"].details["interval"]
    assert low < 20 < high
    assert report["dwell/high"].details["null"] < 3


def test_short_sequences_are_reported(tmp_path):
    store = make_store(tmp_path / "s", [[[1.0]] * 5, [[0.0]] * 5])
    left = evaluate(Itself(1), store, ["temporal"], progress=False).left_out
    assert left["roughness"].startswith("longest of 64 steps leaves no pairs: the longest sequence")
    assert left["recurrence"].startswith("within of 32 steps leaves no pairs")
