"""How long features last and how restless the code is."""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np
from jaxtyping import Float

from sparsetime.codes import SparseCode
from sparsetime.metrics.metric import (
    CodeMetric,
    Histogram,
    LeftOut,
    Measured,
    MetricSpec,
    Outcome,
    measured,
)
from sparsetime.metrics.temporal.dwell import dwell
from sparsetime.metrics.temporal.flicker import flicker
from sparsetime.metrics.temporal.timescale import timescale

_BINS_AN_OCTAVE = 2
_RUNS = "run lengths of a binary series (Mood 1940, The distribution theory of runs)"
_AUTOCORRELATION = "Box, Jenkins, Reinsel, Ljung, Time series analysis, section 2.1.4"
_OWN = "defined here"


@final
class Timing(CodeMetric):
    """Dwell, half-life and flicker; see `features.timescales` for the definitions in full.

    A run is an unbroken segment of steps of one sequence on which a feature fires. `dwell` is the
    mean over features of a feature's mean run length (so every feature counts once);
    `dwell_over_runs` is the mean over all runs (so busy features count more). Steps, at least 1.

    `half_life` is the lag in steps at which the autocorrelation of a feature's strength has
    fallen to one half; above 0, and at most the largest lag looked at (512), where a slower
    feature is counted; `half_life_censored` says how many are.

    `flicker` is the number of latents switched on or off between two neighbouring steps, mean over
    such pairs; 0 to the width. `flicker_share` divides by the number active on the two steps
    together: 0 where nothing changes, 1 where everything does.

    Where a figure has an interval over sequences and a null in shuffled time, its details give
    them; see `evaluation.time`.
    """

    name: ClassVar = "timing"
    specs: ClassVar = {
        "dwell": MetricSpec(
            "mean run length in steps of a feature's firing, mean over the features that fire",
            "1 to the longest sequence",
            _RUNS,
        ),
        "dwell_median": MetricSpec(
            "the same, median over the features that fire", "1 to the longest sequence", _RUNS
        ),
        "dwell_over_runs": MetricSpec(
            "mean run length in steps over all runs of all features",
            "1 to the longest sequence",
            _RUNS,
        ),
        "dwell_histogram": MetricSpec(
            "number of features by mean run length in steps; two bins an octave",
            "edges from 1, counts from 0",
            _RUNS,
        ),
        "half_life": MetricSpec(
            "lag in steps at which the autocorrelation of a feature's strength has fallen to 0.5, "
            "mean over the features that vary",
            "above 0, to 512 steps",
            _AUTOCORRELATION,
        ),
        "half_life_median": MetricSpec(
            "the same, median over the features that vary",
            "above 0, to 512 steps",
            _AUTOCORRELATION,
        ),
        "half_life_censored": MetricSpec(
            "share of the features that vary whose half-life is only known to exceed the lags "
            "looked at, and which count with the last lag",
            "0 to 1",
            _OWN,
        ),
        "half_life_histogram": MetricSpec(
            "number of features by half-life in steps; two bins an octave",
            "edges from 0.25, counts from 0",
            _AUTOCORRELATION,
        ),
        "flicker": MetricSpec(
            "latents switched on or off from a step to the next, mean over neighbouring steps",
            "0 to the width",
            _OWN,
        ),
        "flicker_share": MetricSpec(
            "latents switched on or off, over those active on the earlier or the later step "
            "(one active on both counts twice), summed over neighbouring steps",
            "0 (nothing changes) to 1 (everything does)",
            _OWN,
        ),
    }

    def taken(self, code: SparseCode, lengths: list[int], seed: int) -> dict[str, Outcome]:
        return (
            _dwell(code, lengths, seed)
            | _half_life(code, lengths, seed)
            | _flicker(code, lengths, seed)
        )


def log_histogram(values: Float[np.ndarray, " features"], lowest: float) -> Histogram:
    """Counts between edges that begin at `lowest` and grow by the square root of 2.

    There are as many bins as the largest value needs. A value on an edge belongs to the bin above.
    """
    place = np.log2(np.maximum(values, lowest) / lowest) * _BINS_AN_OCTAVE
    # 1e-9: the logarithm of a value on an edge may come out just below it.
    bin_of = np.floor(place + 1e-9).astype(np.int64)
    counts = np.bincount(bin_of, minlength=1)
    edges = lowest * 2.0 ** (np.arange(len(counts) + 1) / _BINS_AN_OCTAVE)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _dwell(code: SparseCode, lengths: list[int], seed: int) -> dict[str, Outcome]:
    if not len(code.indices):
        names = ("dwell", "dwell_median", "dwell_over_runs", "dwell_histogram")
        return dict.fromkeys(names, LeftOut("no feature fires on this data"))
    found = dwell(code, lengths, seed)
    fires = found.by_feature[np.isfinite(found.by_feature)]
    return {
        "dwell": measured(found.mean),
        "dwell_median": Measured(float(np.median(fires))),
        "dwell_over_runs": measured(found.over_runs),
        "dwell_histogram": Measured(log_histogram(fires, 1.0)),
    }


def _half_life(code: SparseCode, lengths: list[int], seed: int) -> dict[str, Outcome]:
    names = ("half_life", "half_life_median", "half_life_censored", "half_life_histogram")
    why = LeftOut("no feature varies over the steps of a sequence")
    if max(lengths) < 2:
        return dict.fromkeys(names, why)
    found = timescale(code, lengths, seed=seed)
    known = np.isfinite(found.steps)
    if not known.any():
        return dict.fromkeys(names, why)
    steps = found.steps[known]
    return {
        "half_life": Measured(float(steps.mean())),
        "half_life_median": measured(found.median),
        "half_life_censored": Measured(float(found.censored[known].mean())),
        "half_life_histogram": Measured(log_histogram(steps, 0.25)),
    }


def _flicker(code: SparseCode, lengths: list[int], seed: int) -> dict[str, Outcome]:
    if max(lengths) < 2:
        why = LeftOut("no sequence has two steps, so nothing can switch between steps")
        return {"flicker": why, "flicker_share": why}
    found = flicker(code, lengths, seed)
    silent = LeftOut("no feature fires on this data")
    return {
        "flicker": measured(found.switches),
        "flicker_share": measured(found.share) if len(code.indices) else silent,
    }
