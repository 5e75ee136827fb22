"""Persistence metrics: dwell, half-life and flicker of latents."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.metrics.evaluation_data import EvaluationData
from sparsetime.metrics.metric import PER_STEP, STEPS, Histogram, Metric, MetricSpec
from sparsetime.metrics.temporal.dwell import dwell
from sparsetime.metrics.temporal.flicker import flicker
from sparsetime.metrics.temporal.timescale import Timescale, timescale
from sparsetime.statistics.estimate import Estimate

_BINS_AN_OCTAVE = 2
_RUNS = "run lengths of a binary series (Mood 1940, The distribution theory of runs)"
_AUTOCORRELATION = "Box, Jenkins, Reinsel, Ljung, Time series analysis, section 2.1.4"
_OWN = "defined here"
_STEPS = "1 to the longest sequence"
_HALF_LIVES = "above 0, to 512 steps"
_GAPS = "how long a feature is off between two runs"
_SHAPE = (
    "the shape of the autocorrelation: a period and a slow decay may share a half-life; memory "
    "longer than a fifth of the sequences, which is censored"
)


def half_lives(code: SparseCode, lengths: list[int], *, seed: int) -> Timescale:
    """`timescale`, refused where no half-life is defined.

    Errors: DataError where no feature varies over the steps of a sequence.
    """
    reason = "no feature varies over the steps of a sequence"
    if max(lengths) < 2:
        raise DataError(reason)
    result = timescale(code, lengths, seed=seed)
    if not np.isfinite(result.steps).any():
        raise DataError(
            reason
            if not len(code.indices)
            else f"{reason}, or sequences are too short to read a half-life within them: the "
            f"longest has {max(lengths)} steps"
        )
    return result


def dwell_histogram(data: EvaluationData) -> Histogram:
    """Number of features by mean run length in steps."""
    by_feature = data.once(dwell).by_feature
    return log_histogram(by_feature[np.isfinite(by_feature)], 1.0)


def half_life_censored(data: EvaluationData) -> Estimate:
    """Share of the features that vary whose half-life exceeds the largest lag. No interval."""
    result = data.once(half_lives)
    return Estimate(float(result.censored[np.isfinite(result.steps)].mean()))


def between_share(data: EvaluationData) -> Estimate:
    """Share of variance between sequences, mean over features. Errors: DataError for one sequence.

    Features that vary between sequences alone count, with 1.
    """
    if sum(length > 0 for length in data.lengths) < 2:
        raise DataError("there is one sequence, so nothing lies between sequences")
    return data.once(half_lives).between


def half_life_histogram(data: EvaluationData) -> Histogram:
    """Number of features by half-life in steps."""
    steps = data.once(half_lives).steps
    return log_histogram(steps[np.isfinite(steps)], 0.25)


def flicker_share(data: EvaluationData) -> Estimate:
    """Share of active latents that switch. Errors: DataError where nothing fires."""
    if not len(data.code.indices):
        raise DataError("no feature fires on this data")
    return data.once(flicker).share


def log_histogram(values: Float[np.ndarray, " features"], lowest: float) -> Histogram:
    """Counts between edges that begin at `lowest` and grow by the square root of 2.

    There are as many bins as the largest value needs. A value on an edge belongs to the bin above.
    """
    position = np.log2(np.maximum(values, lowest) / lowest) * _BINS_AN_OCTAVE
    # 1e-9: the logarithm of a value on an edge may come out just below it.
    bin_of = np.floor(position + 1e-9).astype(np.int64)
    counts = np.bincount(bin_of, minlength=1)
    edges = lowest * 2.0 ** (np.arange(len(counts) + 1) / _BINS_AN_OCTAVE)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


PERSISTENCE = (
    Metric(
        MetricSpec(
            "dwell",
            "mean run length in steps of a feature's firing, mean over the features that fire",
            "dwell = mean_i mean_r length(r), r the runs of feature i",
            _STEPS,
            _RUNS,
            _GAPS,
            STEPS,
        ),
        lambda data: data.once(dwell).mean,
    ),
    Metric(
        MetricSpec(
            "dwell_median",
            "the same, median over the features that fire",
            "dwell_median = median_i mean_r length(r)",
            _STEPS,
            _RUNS,
            _GAPS,
            STEPS,
        ),
        lambda data: data.once(dwell).median,
    ),
    Metric(
        MetricSpec(
            "dwell_over_runs",
            "mean run length in steps over all runs of all features",
            "dwell_over_runs = mean over all runs r of length(r)",
            _STEPS,
            _RUNS,
            "rare features: features with many runs count more",
            STEPS,
        ),
        lambda data: data.once(dwell).over_runs,
    ),
    Metric(
        MetricSpec(
            "dwell_histogram",
            "number of features by mean run length in steps; two bins an octave",
            "mean_r length(r) of each feature i",
            "edges from 1, counts from 0",
            _RUNS,
            _GAPS,
            STEPS,
        ),
        dwell_histogram,
    ),
    Metric(
        MetricSpec(
            "half_life",
            "lag in steps at which the autocorrelation of a feature's activation within "
            "sequences has fallen to 0.5, mean over the features that vary",
            "half_life = mean_i min {L : rho_i(L) <= 0.5}, rho_i the autocorrelation of f_i about "
            "its mean in each sequence, corrected for what that mean takes",
            _HALF_LIVES,
            _AUTOCORRELATION,
            _SHAPE,
            STEPS,
        ),
        lambda data: data.once(half_lives).mean,
    ),
    Metric(
        MetricSpec(
            "half_life_median",
            "the same, median over the features that vary",
            "half_life_median = median_i min {L : rho_i(L) <= 0.5}",
            _HALF_LIVES,
            _AUTOCORRELATION,
            _SHAPE,
            STEPS,
        ),
        lambda data: data.once(half_lives).median,
    ),
    Metric(
        MetricSpec(
            "half_life_censored",
            "share of the features that vary whose half-life is only known to exceed the lags "
            "looked at, and which count with the last lag",
            "half_life_censored = mean_i [rho_i(L) > 0.5 at all lags L]",
            "0 to 1",
            _OWN,
            "how far beyond the last lag a half-life lies",
        ),
        half_life_censored,
    ),
    Metric(
        MetricSpec(
            "half_life_histogram",
            "number of features by half-life in steps; two bins an octave",
            "min {L : rho_i(L) <= 0.5} of each feature i",
            "edges from 0.25, counts from 0",
            _AUTOCORRELATION,
            _SHAPE,
            STEPS,
        ),
        half_life_histogram,
    ),
    Metric(
        MetricSpec(
            "between_share",
            "share of a feature's variance that lies between sequences, beyond what the memory "
            "within them makes, mean over the features that vary",
            "between_share = mean_i b_i / (b_i + v_i), b the variance between sequences, v within",
            "about 0 (sequences do not differ) to 1",
            "the intraclass correlation (Searle, Casella, McCulloch 1992, Variance components)",
            "what sequences differ in; memory longer than the sequences counts as a difference",
        ),
        between_share,
    ),
    Metric(
        MetricSpec(
            "flicker",
            "latents switched on or off from a step to the next, mean over neighbouring steps",
            "flicker = mean_t #{i : [f_i(t) != 0] != [f_i(t-1) != 0]}",
            "0 to the width",
            _OWN,
            "changes of the value of a latent that stays active",
            PER_STEP,
        ),
        lambda data: data.once(flicker).switches,
    ),
    Metric(
        MetricSpec(
            "flicker_share",
            "latents switched on or off, over those active on the earlier or the later step "
            "(one active on both counts twice), summed over neighbouring steps",
            "flicker_share = sum_t switches(t) / sum_t (A(t-1) + A(t)), A the active latents",
            "0 (nothing changes) to 1 (everything does)",
            _OWN,
            "changes of the value of a latent that stays active",
        ),
        flicker_share,
    ),
)
