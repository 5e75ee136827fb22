"""Autocovariance and autocorrelation of a code by lag, within sequences, for spectra and periods.

All are about the mean of every feature in every sequence: a difference between sequences is no
memory within them. See `features.timescales.half_life`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from sparsetime.metrics.temporal import numba_loops
from sparsetime.metrics.temporal.sequences import Sequences
from sparsetime.statistics.estimate import ratio


def by_group(sequences: Sequences, longest: int) -> Float[np.ndarray, "groups lags_plus_1"]:
    """Sum over features and pairs of steps L apart of (f_t - m_s) (f_(t+L) - m_s), L from 0.

    m_s: the mean of each feature over the sequence s of the pair.
    """
    group = sequences.group_of_row[sequences.columns.rows]
    return _sums(sequences, group, sequences.groups, longest)


def by_feature(
    sequences: Sequences, longest: int, part: Int[np.ndarray, " groups"]
) -> tuple[Float[np.ndarray, "width lags_plus_1"], Float[np.ndarray, "parts width lags_plus_1"]]:
    """Autocorrelation of every feature at the lags 0 to `longest`; NaN where it does not vary.

    The mean over pairs of (f_t - m_s) (f_(t+L) - m_s), divided by that at the lag 0: of all
    sequences, and of each part of the groups by itself, all with the variance of the whole.
    part: the part that each group belongs to, from 0 on.
    """
    parts, width = int(part.max()) + 1, sequences.code.width
    slot = (
        part[sequences.group_of_row[sequences.columns.rows]] * width + sequences.feature_of_column
    )
    sums = _sums(sequences, slot, parts * width, longest).reshape(parts, width, longest + 1)
    count = np.zeros((parts, longest + 1))
    np.add.at(count, part, pairs(sequences, longest))
    scale = variances(sequences)[:, None]
    whole = ratio(sums.sum(axis=0), np.broadcast_to(count.sum(axis=0), sums.shape[1:])) / scale
    return whole, ratio(sums, np.broadcast_to(count[:, None], sums.shape)) / scale


def at_lags(
    sequences: Sequences, lags: Int[np.ndarray, "groups width"]
) -> Float[np.ndarray, "groups width"]:
    """The autocorrelation of every feature in every group, each at its own lag.

    With the variance of the whole; NaN where no two steps lie so far apart.
    """
    columns, means = sequences.columns, _means(sequences)
    products, sides = np.zeros(lags.shape), np.zeros(lags.shape)
    numba_loops.products_at(
        columns.offsets,
        columns.rows,
        columns.values,
        means.of_entry * columns.values,
        sequences.begins,
        sequences.ends,
        sequences.group_of_row,
        lags,
        products,
        sides,
    )
    group = sequences.group_of_sequence[means.sequence]
    left = np.maximum(sequences.lengths[means.sequence] - lags[group, means.feature], 0)
    np.add.at(products, (group, means.feature), means.value**2 * left)
    count = np.take_along_axis(pairs(sequences, int(lags.max())), lags, axis=1)
    return np.asarray(ratio(products - sides, count) / variances(sequences))


def variances(sequences: Sequences) -> Float[np.ndarray, " width"]:
    """The variance of every feature within sequences; NaN where it does not vary in any."""
    means = _means(sequences)
    square = _summed(sequences, sequences.columns.values**2)
    of_means = means.value**2 * sequences.lengths[means.sequence]
    variance = square - np.bincount(means.feature, weights=of_means, minlength=sequences.code.width)
    return np.where(variance <= 1e-12 * square, np.nan, variance) / sequences.code.rows


def pairs(sequences: Sequences, longest: int) -> Float[np.ndarray, "groups lags_plus_1"]:
    """Pairs of steps that lie L apart in one sequence, for L from 0."""
    out = np.zeros((sequences.groups, longest + 1))
    left = np.maximum(sequences.lengths[:, None] - np.arange(longest + 1), 0)
    np.add.at(out, sequences.group_of_sequence, left)
    return out


@dataclass(frozen=True)
class _Means:
    """Means of features over the sequences in which they fire.

    value, feature, sequence: of each such pair; entry: its first entry. of_entry: of every entry.
    """

    value: Float[np.ndarray, " pairs"]
    feature: Int[np.ndarray, " pairs"]
    sequence: Int[np.ndarray, " pairs"]
    entry: Int[np.ndarray, " pairs"]
    of_entry: Float[np.ndarray, " entries"]


def _means(sequences: Sequences) -> _Means:
    columns = sequences.columns
    sequence = np.repeat(np.arange(len(sequences.lengths)), sequences.lengths)[columns.rows]
    feature = sequences.feature_of_column
    new = np.ones(len(feature), dtype=bool)
    new[1:] = (feature[1:] != feature[:-1]) | (sequence[1:] != sequence[:-1])
    pair = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    total = np.bincount(pair, weights=columns.values, minlength=len(first))
    value = total / np.maximum(sequences.lengths[sequence[first]], 1)
    return _Means(value, feature[first], sequence[first], first, value[pair])


def _summed(
    sequences: Sequences, values: Float[np.ndarray, " entries"]
) -> Float[np.ndarray, " width"]:
    """The sum over the entries of every feature."""
    return np.bincount(sequences.feature_of_column, weights=values, minlength=sequences.code.width)


def _sums(
    sequences: Sequences, slot: Int[np.ndarray, " entries"], slots: int, longest: int
) -> Float[np.ndarray, "slots lags_plus_1"]:
    """Sums of (f_t - m_s) (f_(t+L) - m_s) over pairs of steps, by the slot of an entry.

    Entries of one feature in one sequence have one slot. Only entries are visited: a pair of steps
    without any adds m_s^2, of which there is one for every pair of steps.
    """
    columns, row, means = sequences.columns, sequences.columns.rows, _means(sequences)
    out = np.zeros((slots, longest + 1))
    numba_loops.lag_products(
        sequences.feature_of_column, row, columns.values, sequences.ends, slot, out
    )
    weight = means.of_entry * columns.values
    for away in (sequences.ends[row] - 1 - row, row - sequences.begins[row]):
        # A step with `away` others to one side of it is in a pair there at every lag up to that.
        key = slot * (longest + 1) + np.minimum(away, longest)
        reach = np.bincount(key, weights=weight, minlength=out.size).reshape(out.shape)
        out -= np.cumsum(reach[:, ::-1], axis=1)[:, ::-1]
    length = sequences.lengths[means.sequence]
    # sum over sequences of m^2 max(T - L, 0), from sums of m^2 and of m^2 T over those with T > L.
    key = slot[means.entry] * (longest + 1) + np.minimum(length - 1, longest)
    for square, factor in (
        (means.value**2 * length, 1.0),
        (means.value**2, -np.arange(longest + 1)),
    ):
        reach = np.bincount(key, weights=square, minlength=out.size).reshape(out.shape)
        out += factor * np.cumsum(reach[:, ::-1], axis=1)[:, ::-1]
    return out
