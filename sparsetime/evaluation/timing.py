"""How long features last and how restless the code is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.codes import SparseCode, concatenate
from sparsetime.evaluation.metric import (
    Histogram,
    LeftOut,
    Meaning,
    Measured,
    Metric,
    Outcome,
    Part,
    Setting,
    parts_of,
)
from sparsetime.features import timescales

if TYPE_CHECKING:
    from sparsetime.features.encoding import EncodedSequence

_BINS_AN_OCTAVE = 2
_RUNS = "run lengths of a binary series (Mood 1940, The distribution theory of runs)"
_AUTOCORRELATION = "Box, Jenkins, Reinsel, Ljung, Time series analysis, section 2.1.4"
_OWN = "defined here"


@final
class Timing(Metric):
    """Dwell, half-life and flicker; see `features.timescales` for the definitions in full.

    A run is an unbroken stretch of steps of one sequence on which a feature fires. `dwell` is the
    mean over features of a feature's mean run length (so every feature counts once);
    `dwell_over_runs` is the mean over all runs (so busy features count more). Steps, at least 1.

    `half_life` is the lag in steps at which the autocorrelation of a feature's strength has
    fallen to one half; above 0, and at most the largest lag looked at (512), where a slower
    feature is counted; `half_life_censored` says how many are.

    `flicker` is the number of latents switched on or off between two neighbouring steps, mean over
    such pairs; 0 to the width. `flicker_share` divides by the number active on the two steps
    together: 0 where nothing changes, 1 where everything does.
    """

    name: ClassVar = "timing"
    meanings: ClassVar = {
        "dwell": Meaning(
            "mean run length in steps of a feature's firing, mean over the features that fire",
            "1 to the longest sequence",
            _RUNS,
        ),
        "dwell_median": Meaning(
            "the same, median over the features that fire", "1 to the longest sequence", _RUNS
        ),
        "dwell_over_runs": Meaning(
            "mean run length in steps over all runs of all features",
            "1 to the longest sequence",
            _RUNS,
        ),
        "dwell_histogram": Meaning(
            "number of features by mean run length in steps; two bins an octave",
            "edges from 1, counts from 0",
            _RUNS,
        ),
        "half_life": Meaning(
            "lag in steps at which the autocorrelation of a feature's strength has fallen to 0.5, "
            "mean over the features that vary",
            "above 0, to 512 steps",
            _AUTOCORRELATION,
        ),
        "half_life_median": Meaning(
            "the same, median over the features that vary",
            "above 0, to 512 steps",
            _AUTOCORRELATION,
        ),
        "half_life_censored": Meaning(
            "share of the features that vary whose half-life is only known to exceed the lags "
            "looked at, and which count with the last lag",
            "0 to 1",
            _OWN,
        ),
        "half_life_histogram": Meaning(
            "number of features by half-life in steps; two bins an octave",
            "edges from 0.25, counts from 0",
            _AUTOCORRELATION,
        ),
        "flicker": Meaning(
            "latents switched on or off from a step to the next, mean over neighbouring steps",
            "0 to the width",
            _OWN,
        ),
        "flicker_share": Meaning(
            "latents switched on or off, over those active on the earlier or the later step "
            "(one active on both counts twice), summed over neighbouring steps",
            "0 (nothing changes) to 1 (everything does)",
            _OWN,
        ),
    }

    def __init__(self, setting: Setting) -> None:
        self._parts = parts_of(setting.sae)
        self._codes: list[SparseCode] = []

    def update(self, sequence: EncodedSequence) -> None:
        self._codes.append(sequence.code)

    def outcomes(self) -> dict[str, Outcome]:
        code = concatenate(self._codes)
        offsets = np.cumsum([0, *(c.rows for c in self._codes)])
        runs = timescales.runs(code, offsets)
        half_lives = timescales.half_life(code, offsets)
        switched = timescales.switches(runs, offsets, code.width)
        dwell = timescales.dwell(runs, code.width)
        found: dict[str, Outcome] = {}
        for part in self._parts:
            inside = (runs.feature >= part.start) & (runs.feature < part.stop)
            here = slice(part.start, part.stop)
            outcomes = (
                _dwell(dwell[here], runs.length[inside])
                | _half_life(half_lives.steps[here], half_lives.censored[here])
                | _flicker(switched[here], part, code, offsets)
            )
            found |= {part.figure(name): value for name, value in outcomes.items()}
        return found


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


def _dwell(
    dwell: Float[np.ndarray, " features"], lengths: Int[np.ndarray, " runs"]
) -> dict[str, Outcome]:
    if len(lengths) == 0:
        names = ("dwell", "dwell_median", "dwell_over_runs", "dwell_histogram")
        return dict.fromkeys(names, LeftOut("no feature fires on this data"))
    fires = dwell[np.isfinite(dwell)]
    return {
        "dwell": Measured(float(fires.mean())),
        "dwell_median": Measured(float(np.median(fires))),
        "dwell_over_runs": Measured(float(lengths.mean())),
        "dwell_histogram": Measured(log_histogram(fires, 1.0)),
    }


def _half_life(
    steps: Float[np.ndarray, " features"], censored: Bool[np.ndarray, " features"]
) -> dict[str, Outcome]:
    known = np.isfinite(steps)
    if not known.any():
        names = ("half_life", "half_life_median", "half_life_censored", "half_life_histogram")
        return dict.fromkeys(names, LeftOut("no feature varies over the steps of a sequence"))
    return {
        "half_life": Measured(float(steps[known].mean())),
        "half_life_median": Measured(float(np.median(steps[known]))),
        "half_life_censored": Measured(float(censored[known].mean())),
        "half_life_histogram": Measured(log_histogram(steps[known], 0.25)),
    }


def _flicker(
    switched: Int[np.ndarray, " features"],
    part: Part,
    code: SparseCode,
    offsets: Int[np.ndarray, " sequences_plus_1"],
) -> dict[str, Outcome]:
    pairs = timescales.pairs_of_steps(offsets)
    if pairs == 0:
        why = LeftOut("no sequence has two steps, so nothing can switch between steps")
        return {"flicker": why, "flicker_share": why}
    total = int(switched.sum())
    # Every step is in two pairs, but the first and the last of a sequence in one less.
    active = part.of(code).counts.numpy()
    filled = np.diff(offsets) > 0
    ends = active[offsets[:-1][filled]].sum() + active[offsets[1:][filled] - 1].sum()
    both = 2 * int(active.sum()) - int(ends)
    share = Measured(total / both) if both else LeftOut("no feature fires on this data")
    return {"flicker": Measured(total / pairs), "flicker_share": share}
