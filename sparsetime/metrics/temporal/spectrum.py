"""Spectrum and roughness: the variance of a code by frequency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Real

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.metrics.temporal import autocovariance
from sparsetime.metrics.temporal.sequences import (
    Lengths,
    Sequences,
    check_lag,
    in_sequences,
    in_steps,
)
from sparsetime.statistics.estimate import Estimate, estimate, ratio
from sparsetime.statistics.nulls import SHUFFLED, shuffled_steps

LAGS = 64


@final
@dataclass(frozen=True, eq=False)
class Spectrum:
    """The variance of a code, all features together, by frequency.

    roughness: 0 for a constant code, 2 for independent steps, 4 for a code that alternates at every
    step. centre: the mean frequency in cycles a step,
    weighed by power; 0.25 where steps do not depend on each other. frequencies: 0 to 0.5 cycles
    a step; power: the share of variance at each, summing to 1 (the bands of 0 and 0.5 are half
    as wide as the others); null: the same in shuffled time. step: time from a step to the next, so
    that frequency / step is in cycles of its unit.
    """

    roughness: Estimate
    centre: Estimate
    frequencies: Float[np.ndarray, " frequencies"]
    power: Float[np.ndarray, " frequencies"]
    null: Float[np.ndarray, " frequencies"]
    step: float


def spectrum(
    code: SparseCode,
    lengths: Lengths = None,
    times: Real[np.ndarray, " rows"] | None = None,
    longest: float | None = None,
    seed: int = 0,
) -> Spectrum:
    """Roughness and power spectrum of a code over sequences.

    roughness = sum_i mean_t (f_i(t) - f_i(t - 1))^2 / sum_i var(f_i).
    roughness: von Neumann 1941, "Distribution of the ratio of the mean square successive difference
    to the variance". The spectrum is that of Blackman and Tukey 1958, "The measurement of power
    spectra": the cosine transform of the autocovariance up to the lag `longest`, here under
    Parzen's window, which leaves no power below zero. longest: in the unit of `times`, or in steps
    without; None: 64 steps. Slower changes count as frequency 0. The mean of each feature is over
    the steps of one sequence, and so is its variance. The null is one shuffle of the steps of every
    sequence. Both are blind to features with little variance, since features are summed, and to
    differences between sequences.

    Errors: DataError for lags that leave no pairs, and for a code that does not vary; those of
    `in_sequences`, which checks `times`.
    """
    sequences = in_sequences(code, lengths, times)
    lags = in_steps(longest, LAGS, sequences, "longest")
    check_lag(lags, sequences, "longest")
    null = sequences.with_code(shuffled_steps(sequences.code, sequences.lengths, seed))
    sums, null_sums = (autocovariance.by_group(side, lags) for side in (sequences, null))
    apart, null_apart = _apart(sequences), _apart(null)
    if sums[:, 0].sum() <= 1e-12 * float(sequences.code.values.double().square().sum()):
        raise DataError("the code is the same at every step, so it has no variance by frequency")
    pairs = autocovariance.pairs(sequences, 1)
    frequencies = np.linspace(0, 0.5, lags + 1)

    def roughness(
        weights: Float[np.ndarray, "draws groups"], apart: Float[np.ndarray, " groups"] = apart
    ) -> Float[np.ndarray, " draws"]:
        variance = ratio(weights @ sums[:, 0], weights @ pairs[:, 0])
        return ratio(ratio(weights @ apart, weights @ pairs[:, 1]), variance)

    def centre(weights: Float[np.ndarray, "draws groups"]) -> Float[np.ndarray, " draws"]:
        return _centre(_power(weights @ sums))

    once = np.ones((1, sequences.groups))
    null_power = _power(once @ null_sums)
    null_centre, null_roughness = _centre(null_power)[0], roughness(once, null_apart)[0]
    return Spectrum(
        estimate(roughness, sequences.groups, float(null_roughness), SHUFFLED, seed),
        estimate(centre, sequences.groups, float(null_centre), SHUFFLED, seed),
        frequencies,
        _power(once @ sums)[0],
        null_power[0],
        sequences.step,
    )


def _power(
    sums: Float[np.ndarray, "draws lags_plus_1"],
) -> Float[np.ndarray, "draws frequencies"]:
    """How dense the variance is at frequencies evenly from 0 to 0.5, from sums over pairs of steps.

    The sums are not divided by the number of pairs, which falls with the lag; so no share comes
    out below zero, and long lags, of which little is known, weigh less.
    """
    lag = np.arange(sums.shape[1])
    part = lag / sums.shape[1]
    parzen = np.where(part <= 0.5, 1 - 6 * part**2 * (1 - part), 2 * (1 - part) ** 3)
    twice = np.where(lag == 0, 1.0, 2.0)
    waves = np.cos(2 * np.pi * np.outer(lag, np.linspace(0, 0.5, len(lag))))
    power = np.maximum((sums * parzen * twice) @ waves, 0)
    return ratio(power, np.broadcast_to(power.sum(axis=1, keepdims=True), power.shape))


def _centre(power: Float[np.ndarray, "draws frequencies"]) -> Float[np.ndarray, " draws"]:
    """The mean frequency: every one but the first and the last stands for its negative too."""
    shares = power.copy()
    shares[:, [0, -1]] /= 2
    return ratio(shares @ np.linspace(0, 0.5, power.shape[1]), shares.sum(axis=1))


def _apart(sequences: Sequences) -> Float[np.ndarray, " groups"]:
    """The squared difference of neighbouring steps, summed over features and pairs, by group."""
    columns = sequences.columns
    feature, row, value = sequences.feature_of_column, columns.rows, columns.values
    neighbours = (row > sequences.begins[row]).astype(float) + (row + 1 < sequences.ends[row])
    consecutive = np.flatnonzero((feature[1:] == feature[:-1]) & (row[1:] == row[:-1] + 1))
    consecutive = consecutive[row[consecutive] + 1 < sequences.ends[row[consecutive]]]
    change = value**2 * neighbours
    change[consecutive] -= 2 * value[consecutive] * value[consecutive + 1]
    return np.bincount(sequences.group_of_row[row], weights=change, minlength=sequences.groups)
