"""Loops over the entries of a code in order of time; compiled by numba."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from numba import njit


def _lag_products(
    features: Int[np.ndarray, " entries"],
    rows: Int[np.ndarray, " entries"],
    values: Float[np.ndarray, " entries"],
    ends: Int[np.ndarray, " rows"],
    slot: Int[np.ndarray, " entries"],
    out: Float[np.ndarray, "slots lags_plus_1"],
) -> None:
    """out[slot, L] += f_t f_(t+L) over all entries and lags; entries sorted by feature, then row.

    Only pairs of steps of one sequence count. The slot is the earlier entry's.
    """
    longest = out.shape[1] - 1
    for i in range(len(rows)):
        stop = min(rows[i] + longest + 1, ends[rows[i]])
        j = i
        while j < len(rows) and features[j] == features[i] and rows[j] < stop:
            out[slot[i], rows[j] - rows[i]] += values[i] * values[j]
            j += 1


def _products_at(
    offsets: Int[np.ndarray, " width_plus_1"],
    rows: Int[np.ndarray, " entries"],
    values: Float[np.ndarray, " entries"],
    weighed: Float[np.ndarray, " entries"],
    begins: Int[np.ndarray, " rows"],
    ends: Int[np.ndarray, " rows"],
    group: Int[np.ndarray, " rows"],
    lags: Int[np.ndarray, "groups width"],
    products: Float[np.ndarray, "groups width"],
    sides: Float[np.ndarray, "groups width"],
) -> None:
    """products: += f_t f_(t+L) at each group's and feature's own lag; sides: += w_t + w_(t+L).

    w: `weighed`, of every entry, 0 elsewhere. Only pairs of steps of one sequence count.
    """
    for feature in range(len(offsets) - 1):
        first, last = offsets[feature], offsets[feature + 1]
        j = first
        for i in range(first, last):
            row = rows[i]
            lag = lags[group[row], feature]
            there = row + lag
            if there < ends[row]:
                sides[group[row], feature] += weighed[i]
                while j < last and rows[j] < there:
                    j += 1
                if j < last and rows[j] == there:
                    products[group[row], feature] += values[i] * values[j]
            if row - lag >= begins[row]:
                sides[group[row], feature] += weighed[i]


def _announced(
    rows: Int[np.ndarray, " events"],
    features: Int[np.ndarray, " events"],
    begins: Int[np.ndarray, " events"],
    within: int,
    counts: Int[np.ndarray, "features features"],
    lags: Int[np.ndarray, "features features"],
) -> None:
    """counts[j, i] += events of j with one of i at most `within` steps earlier; lags: their sum.

    Events are sorted by row. Of several events of i the latest counts, so each of j counts once.
    The later event comes first, so that all that is written for it lies side by side in memory.
    """
    latest = np.full(counts.shape[0], -1)
    for later in range(len(rows)):
        count, lag = counts[features[later]], lags[features[later]]
        earlier = later - 1
        floor = max(rows[later] - within, begins[later])
        while earlier >= 0 and rows[earlier] >= floor:
            feature = features[earlier]
            if rows[earlier] < rows[later] and latest[feature] != later:
                latest[feature] = later
                count[feature] += 1
                lag[feature] += rows[later] - rows[earlier]
            earlier -= 1


def _sums_by_slot(
    offsets: Int[np.ndarray, " width_plus_1"],
    rows: Int[np.ndarray, " entries"],
    values: Float[np.ndarray, " entries"],
    slot: Int[np.ndarray, " rows"],
    out: Float[np.ndarray, "slots width"],
) -> None:
    """out[slot of the row, feature] += value, over all entries."""
    for feature in range(len(offsets) - 1):
        for i in range(offsets[feature], offsets[feature + 1]):
            out[slot[rows[i]], feature] += values[i]


sums_by_slot = njit(cache=True)(_sums_by_slot)
products_at = njit(cache=True)(_products_at)
lag_products = njit(cache=True)(_lag_products)
announced = njit(cache=True)(_announced)
