"""Autocovariance and autocorrelation of a code by lag, for spectra and periods."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from sparsetime.metrics.temporal import numba_loops
from sparsetime.metrics.temporal.sequences import Sequences
from sparsetime.statistics.estimate import ratio


def by_group(given: Sequences, longest: int) -> Float[np.ndarray, "groups lags_plus_1"]:
    """Sum over all features and pairs of steps L apart of (f_t - m) (f_(t+L) - m), L from 0.

    m: the mean of each feature over all steps; pairs lie within one sequence.
    """
    mean = _means(given)
    group = given.group_of_row[given.columns.rows]
    sums = _less_means(given, mean, group, given.groups, longest)
    return np.asarray(sums + pairs(given, longest) * (mean**2).sum())


def by_feature(
    given: Sequences, longest: int, part: Int[np.ndarray, " groups"]
) -> tuple[Float[np.ndarray, "width lags_plus_1"], Float[np.ndarray, "parts width lags_plus_1"]]:
    """Autocorrelation of every feature at the lags 0 to `longest`; NaN where it does not vary.

    The mean over pairs of (f_t - m) (f_(t+L) - m), divided by that at the lag 0: of all sequences,
    and of each part of the groups by itself, all with the mean and the variance of the whole.
    part: the part that each group belongs to, from 0 on.
    """
    parts, width = int(part.max()) + 1, given.code.width
    mean, variance = _means(given), variances(given)
    slot = part[given.group_of_row[given.columns.rows]] * width + given.feature_of_column
    sums = _less_means(given, mean, slot, parts * width, longest)
    sums = sums.reshape(parts, width, longest + 1)
    count = np.zeros((parts, longest + 1))
    np.add.at(count, part, pairs(given, longest))
    square, scale = (mean**2)[:, None], variance[:, None]
    whole = (sums.sum(axis=0) / count.sum(axis=0) + square) / scale
    return whole, (ratio(sums, np.broadcast_to(count[:, None], sums.shape)) + square) / scale


def at_lags(
    given: Sequences, lags: Int[np.ndarray, "groups width"]
) -> Float[np.ndarray, "groups width"]:
    """The autocorrelation of every feature in every group, each at its own lag.

    With the mean and the variance of the whole; NaN where no two steps lie so far apart.
    """
    columns = given.columns
    mean = _means(given)
    products, sides = np.zeros(lags.shape), np.zeros(lags.shape)
    numba_loops.products_at(
        columns.offsets,
        columns.rows,
        columns.values,
        given.begins,
        given.ends,
        given.group_of_row,
        lags,
        products,
        sides,
    )
    count = np.take_along_axis(pairs(given, int(lags.max())), lags, axis=1)
    return np.asarray((ratio(products - mean * sides, count) + mean**2) / variances(given))


def variances(given: Sequences) -> Float[np.ndarray, " width"]:
    """The variance of every feature over all steps; NaN where it does not vary."""
    square = _summed(given, given.columns.values**2) / given.code.rows
    variance = square - _means(given) ** 2
    return np.where(variance <= 1e-12 * square, np.nan, variance)


def pairs(given: Sequences, longest: int) -> Float[np.ndarray, "groups lags_plus_1"]:
    """Pairs of steps that lie L apart in one sequence, for L from 0."""
    out = np.zeros((given.groups, longest + 1))
    left = np.maximum(given.lengths[:, None] - np.arange(longest + 1), 0)
    np.add.at(out, given.group_of_sequence, left)
    return out


def _means(given: Sequences) -> Float[np.ndarray, " width"]:
    return _summed(given, given.columns.values) / given.code.rows


def _summed(given: Sequences, values: Float[np.ndarray, " entries"]) -> Float[np.ndarray, " width"]:
    """The sum over the entries of every feature."""
    return np.bincount(given.feature_of_column, weights=values, minlength=given.code.width)


def _less_means(
    given: Sequences,
    mean: Float[np.ndarray, " width"],
    slot: Int[np.ndarray, " entries"],
    slots: int,
    longest: int,
) -> Float[np.ndarray, "slots lags_plus_1"]:
    """Sums of f_t f_(t+L) - m (f_t + f_(t+L)) over pairs of steps, by the slot of an entry.

    Only entries add to these, so zeros need not be visited; m^2 for every pair is still to come.
    """
    columns, row = given.columns, given.columns.rows
    out = np.zeros((slots, longest + 1))
    numba_loops.lag_products(given.feature_of_column, row, columns.values, given.ends, slot, out)
    weight = mean[given.feature_of_column] * columns.values
    for away in (given.ends[row] - 1 - row, row - given.begins[row]):
        # A step with `away` others to one side of it is in a pair there at every lag up to that.
        key = slot * (longest + 1) + np.minimum(away, longest)
        reach = np.bincount(key, weights=weight, minlength=out.size).reshape(out.shape)
        out -= np.cumsum(reach[:, ::-1], axis=1)[:, ::-1]
    return out
