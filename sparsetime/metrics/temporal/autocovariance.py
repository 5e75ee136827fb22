"""Autocovariance and autocorrelation of a code by lag, for spectra and periods."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from sparsetime.metrics.temporal import numba_loops
from sparsetime.metrics.temporal.sequences import Sequences
from sparsetime.statistics.estimate import ratio


def by_group(sequences: Sequences, longest: int) -> Float[np.ndarray, "groups lags_plus_1"]:
    """Sum over all features and pairs of steps L apart of (f_t - m) (f_(t+L) - m), L from 0.

    m: the mean of each feature over all steps; pairs lie within one sequence.
    """
    mean = _means(sequences)
    group = sequences.group_of_row[sequences.columns.rows]
    sums = _less_means(sequences, mean, group, sequences.groups, longest)
    return np.asarray(sums + pairs(sequences, longest) * (mean**2).sum())


def by_feature(
    sequences: Sequences, longest: int, part: Int[np.ndarray, " groups"]
) -> tuple[Float[np.ndarray, "width lags_plus_1"], Float[np.ndarray, "parts width lags_plus_1"]]:
    """Autocorrelation of every feature at the lags 0 to `longest`; NaN where it does not vary.

    The mean over pairs of (f_t - m) (f_(t+L) - m), divided by that at the lag 0: of all sequences,
    and of each part of the groups by itself, all with the mean and the variance of the whole.
    part: the part that each group belongs to, from 0 on.
    """
    parts, width = int(part.max()) + 1, sequences.code.width
    mean, variance = _means(sequences), variances(sequences)
    slot = (
        part[sequences.group_of_row[sequences.columns.rows]] * width + sequences.feature_of_column
    )
    sums = _less_means(sequences, mean, slot, parts * width, longest)
    sums = sums.reshape(parts, width, longest + 1)
    count = np.zeros((parts, longest + 1))
    np.add.at(count, part, pairs(sequences, longest))
    square, scale = (mean**2)[:, None], variance[:, None]
    whole = (sums.sum(axis=0) / count.sum(axis=0) + square) / scale
    return whole, (ratio(sums, np.broadcast_to(count[:, None], sums.shape)) + square) / scale


def at_lags(
    sequences: Sequences, lags: Int[np.ndarray, "groups width"]
) -> Float[np.ndarray, "groups width"]:
    """The autocorrelation of every feature in every group, each at its own lag.

    With the mean and the variance of the whole; NaN where no two steps lie so far apart.
    """
    columns = sequences.columns
    mean = _means(sequences)
    products, sides = np.zeros(lags.shape), np.zeros(lags.shape)
    numba_loops.products_at(
        columns.offsets,
        columns.rows,
        columns.values,
        sequences.begins,
        sequences.ends,
        sequences.group_of_row,
        lags,
        products,
        sides,
    )
    count = np.take_along_axis(pairs(sequences, int(lags.max())), lags, axis=1)
    return np.asarray((ratio(products - mean * sides, count) + mean**2) / variances(sequences))


def variances(sequences: Sequences) -> Float[np.ndarray, " width"]:
    """The variance of every feature over all steps; NaN where it does not vary."""
    square = _summed(sequences, sequences.columns.values**2) / sequences.code.rows
    variance = square - _means(sequences) ** 2
    return np.where(variance <= 1e-12 * square, np.nan, variance)


def pairs(sequences: Sequences, longest: int) -> Float[np.ndarray, "groups lags_plus_1"]:
    """Pairs of steps that lie L apart in one sequence, for L from 0."""
    out = np.zeros((sequences.groups, longest + 1))
    left = np.maximum(sequences.lengths[:, None] - np.arange(longest + 1), 0)
    np.add.at(out, sequences.group_of_sequence, left)
    return out


def _means(sequences: Sequences) -> Float[np.ndarray, " width"]:
    return _summed(sequences, sequences.columns.values) / sequences.code.rows


def _summed(
    sequences: Sequences, values: Float[np.ndarray, " entries"]
) -> Float[np.ndarray, " width"]:
    """The sum over the entries of every feature."""
    return np.bincount(sequences.feature_of_column, weights=values, minlength=sequences.code.width)


def _less_means(
    sequences: Sequences,
    mean: Float[np.ndarray, " width"],
    slot: Int[np.ndarray, " entries"],
    slots: int,
    longest: int,
) -> Float[np.ndarray, "slots lags_plus_1"]:
    """Sums of f_t f_(t+L) - m (f_t + f_(t+L)) over pairs of steps, by the slot of an entry.

    Only entries add to these, so zeros need not be visited; m^2 for every pair is still to come.
    """
    columns, row = sequences.columns, sequences.columns.rows
    out = np.zeros((slots, longest + 1))
    numba_loops.lag_products(
        sequences.feature_of_column, row, columns.values, sequences.ends, slot, out
    )
    weight = mean[sequences.feature_of_column] * columns.values
    for away in (sequences.ends[row] - 1 - row, row - sequences.begins[row]):
        # A step with `away` others to one side of it is in a pair there at every lag up to that.
        key = slot * (longest + 1) + np.minimum(away, longest)
        reach = np.bincount(key, weights=weight, minlength=out.size).reshape(out.shape)
        out -= np.cumsum(reach[:, ::-1], axis=1)[:, ::-1]
    return out
