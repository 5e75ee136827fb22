"""Timescale: the half-life of every feature's autocorrelation, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Real

from sparsetime.codes import SparseCode
from sparsetime.features import numba_loops, timescales
from sparsetime.metrics.temporal.sequences import Lengths, Sequences, check_lag, in_sequences
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


@final
@dataclass(frozen=True, eq=False)
class Timescale:
    """Half-lives in steps; times `step` in the unit of the times given.

    steps: NaN for a feature that does not vary. low, high: the middle 95% of each over resamples
    of sequences, NaN where there is one sequence only. censored: the half-life is only known to
    exceed the last lag, which is given. null: of each in shuffled time. mean, median: over the
    features that vary, NaN where none does.
    """

    mean: Estimate
    median: Estimate
    steps: Float[np.ndarray, " width"]
    low: Float[np.ndarray, " width"]
    high: Float[np.ndarray, " width"]
    censored: Bool[np.ndarray, " width"]
    null: Float[np.ndarray, " width"]
    step: float


def timescale(
    code: SparseCode,
    lengths: Lengths = None,
    times: Real[np.ndarray, " rows"] | None = None,
    max_lag: int = timescales.MAX_LAG,
    seed: int = 0,
) -> Timescale:
    """The half-life of every feature: the lag at which its autocorrelation has fallen to one half.

    half_life_i = min {L : rho_i(L) <= 1/2}, rho_i the autocorrelation of feature i, in steps; see
    `features.timescales.half_life` (Box, Jenkins, Reinsel, Ljung, Time series analysis). It is
    computed again on 200 resamples of whole sequences. A feature that is active in few sequences
    has a wide interval. The null is one shuffle of the steps of every sequence. A half-life is
    blind to the shape of the autocorrelation: a period and a slow decay may share one.

    Errors: DataError for a `max_lag` below 1, or where no sequence has two steps; those of
    `in_sequences`, which checks `times`.
    """
    sequences = in_sequences(code, lengths, times)
    check_lag(1, sequences)
    check_lag(min(max_lag, int(sequences.lengths.max()) - 1), sequences, "max_lag")
    weights = np.ones((1, sequences.groups))
    if sequences.groups > 1:
        weights = np.vstack([weights, bootstrap_weights(sequences.groups, _DRAWS, seed)])
    half_lives, censored = _drawn(sequences, weights, max_lag)
    low, high = np.full((2, code.width), np.nan)
    if len(half_lives) > 1:
        # All draws of a feature that never fires are unknown, which nanquantile would warn of.
        finite = np.isfinite(half_lives[1:]).any(axis=0)
        low[finite], high[finite] = np.nanquantile(half_lives[1:, finite], [0.025, 0.975], axis=0)
    null = timescales.half_life(
        shuffled_steps(sequences.code, sequences.lengths, seed), sequences.segments, max_lag
    ).steps
    mean, median = (
        _estimate(over_features, half_lives, null)
        for over_features in (mean_over_features, median_over_features)
    )
    return Timescale(mean, median, half_lives[0], low, high, censored, null, sequences.step)


def _drawn(
    sequences: Sequences, weights: Float[np.ndarray, "draws groups"], max_lag: int
) -> tuple[Float[np.ndarray, "draws width"], Bool[np.ndarray, " width"]]:
    lags = timescales.autocorrelation_lags(min(max_lag, int(sequences.lengths.max()) - 1))
    left = np.maximum(sequences.lengths[:, None] - lags, 0).astype(float)
    pairs, steps = np.zeros((sequences.groups, len(lags))), np.zeros(sequences.groups)
    np.add.at(pairs, sequences.group_of_sequence, left)
    np.add.at(steps, sequences.group_of_sequence, sequences.lengths)
    columns = sequences.columns
    half_lives, censored = numba_loops.half_lives(
        columns.offsets,
        columns.rows,
        columns.values,
        sequences.begins,
        sequences.ends,
        sequences.group_of_row,
        lags,
        weights @ pairs,
        weights @ steps,
        weights,
    )
    return half_lives, censored


def _estimate(
    over_features: Statistic,
    half_lives: Float[np.ndarray, "draws width"],
    null: Float[np.ndarray, " width"],
) -> Estimate:
    """The mean or median over features; the first draw has every sequence once."""
    values = over_features(half_lives)
    null_value = float(over_features(null[None])[0])
    return Estimate(float(values[0]), interval(values[1:]), null_value, SHUFFLED)
