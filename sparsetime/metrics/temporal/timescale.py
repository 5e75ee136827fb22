"""Timescale: the half-life of every feature's autocorrelation, with intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Real

from sparsetime.codes import SparseCode
from sparsetime.features import timescales
from sparsetime.metrics.temporal.sequences import Lengths, check_lag, in_sequences, in_steps
from sparsetime.segments import Segments
from sparsetime.statistics.estimate import (
    Estimate,
    Statistic,
    bootstrap_weights,
    interval,
    mean_over_features,
    median_over_features,
)
from sparsetime.statistics.nulls import SHUFFLED, shuffled_steps

_DRAWS = 200
_ALIKE = "sequences that differ no more than the memory within them makes them"


@final
@dataclass(frozen=True, eq=False)
class Timescale:
    """Half-lives within sequences, in steps; times `step` in the unit of the times given.

    steps: NaN for a feature that does not vary within a sequence. low, high: the middle 95% of each
    over resamples of sequences, NaN where there is one sequence only. censored: the half-life is
    only known to exceed the last lag, which is given. null: of each in shuffled time. mean, median:
    over the features that vary, NaN where none does.
    between: share of the variance that lies between sequences, mean over features; its null, 0, is
    of sequences that differ no more than memory alone makes them. between_by_feature: of each.
    """

    mean: Estimate
    median: Estimate
    steps: Float[np.ndarray, " width"]
    low: Float[np.ndarray, " width"]
    high: Float[np.ndarray, " width"]
    censored: Bool[np.ndarray, " width"]
    null: Float[np.ndarray, " width"]
    between: Estimate
    between_by_feature: Float[np.ndarray, " width"]
    step: float


def timescale(
    code: SparseCode,
    lengths: Lengths = None,
    times: Real[np.ndarray, " rows"] | None = None,
    max_lag: float | None = None,
    seed: int = 0,
) -> Timescale:
    """The half-life of every feature: the lag at which its autocorrelation has fallen to one half.

    half_life_i = min {L : rho_i(L) <= 1/2}, rho_i the autocorrelation of feature i within
    sequences, in steps, corrected for the mean of each; `features.timescales.half_life` has the
    equation and the sources (Box, Jenkins, Reinsel, Ljung, Time series analysis). What lies between
    sequences is the share `between`, and no memory. Both are computed again on 200 resamples of
    whole sequences: a feature that is active in few of them has a wide interval.
    max_lag: longest lag that is read, in the unit of `times`, or in steps without; None: 512 steps.

    The null is one shuffle of the steps of every sequence. A half-life is blind to the shape of the
    autocorrelation (a period and a slow decay may share one), and to memory that is longer than a
    fifth of the sequences, which is censored.

    Errors: DataError for a `max_lag` below 1, or where no sequence has two steps; those of
    `in_sequences`, which checks `times`.
    """
    sequences = in_sequences(code, lengths, times)
    # Resamples of sequences without steps alone would have no half-life.
    filled = Segments.of_lengths(sequences.lengths[sequences.lengths > 0])
    sequences = replace(sequences, segments=filled)
    check_lag(1, sequences)
    read = in_steps(max_lag, timescales.MAX_LAG, sequences, "max_lag")
    check_lag(min(read, int(sequences.lengths.max()) - 1), sequences, "max_lag")
    weights = np.ones((1, sequences.groups))
    if sequences.groups > 1:
        weights = np.vstack([weights, bootstrap_weights(sequences.groups, _DRAWS, seed)])
    drawn = timescales.resampled_half_lives(
        sequences.code, sequences.segments, sequences.group_of_sequence, weights, read
    )
    found = drawn.steps
    low, high = np.full((2, code.width), np.nan)
    if len(found) > 1:
        # All draws of a feature that never fires are unknown, which nanquantile would warn of.
        known = np.isfinite(found[1:]).any(axis=0)
        if known.any():
            low[known], high[known] = np.nanquantile(found[1:, known], [0.025, 0.975], axis=0)
    null = timescales.half_life(
        shuffled_steps(sequences.code, sequences.lengths, seed), sequences.segments, read
    ).steps
    mean, median = (
        _estimate(over_features, found, float(over_features(null[None])[0]), SHUFFLED)
        for over_features in (mean_over_features, median_over_features)
    )
    several = (sequences.lengths > 0).sum() > 1
    between = _estimate(mean_over_features, drawn.between, 0.0 if several else float("nan"), _ALIKE)
    return Timescale(
        mean,
        median,
        found[0],
        low,
        high,
        drawn.censored,
        null,
        between,
        drawn.between[0],
        sequences.step,
    )


def _estimate(
    over_features: Statistic, values: Float[np.ndarray, "draws width"], null: float, null_is: str
) -> Estimate:
    """The mean or median over features; the first draw has every sequence once."""
    drawn = over_features(values)
    return Estimate(float(drawn[0]), interval(drawn[1:]), null, null_is)
