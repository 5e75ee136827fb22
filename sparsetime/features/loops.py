"""Loops over entries that numpy cannot say without a sort or a dense table; compiled by numba."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
from numba import njit


def _sort_by_feature(
    features: Int[np.ndarray, " entries"], width: int
) -> tuple[Int[np.ndarray, " width_plus_1"], Int[np.ndarray, " entries"]]:
    """A stable counting sort: where each feature's entries begin, and the entries in order."""
    offsets = np.zeros(width + 1, dtype=np.int64)
    for feature in features:
        offsets[feature + 1] += 1
    for feature in range(width):
        offsets[feature + 1] += offsets[feature]
    following = offsets.copy()
    order = np.empty(len(features), dtype=np.int64)
    for entry in range(len(features)):
        feature = features[entry]
        order[following[feature]] = entry
        following[feature] += 1
    return offsets, order


def _half_lives(
    offsets: Int[np.ndarray, " width_plus_1"],
    rows: Int[np.ndarray, " entries"],
    values: Float[np.ndarray, " entries"],
    begins: Int[np.ndarray, " rows"],
    ends: Int[np.ndarray, " rows"],
    lags: Int[np.ndarray, " lags"],
    pairs: Int[np.ndarray, " lags"],
) -> tuple[Float[np.ndarray, " width"], Bool[np.ndarray, " width"]]:
    """Every feature's autocorrelation, lag by lag until it has halved.

    Only pairs in which both steps fire have a product; the mean's share of the others is
    -m (sum of earlier steps + sum of later steps) / pairs + m^2.
    """
    width = len(offsets) - 1
    steps = np.full(width, np.nan)
    censored = np.zeros(width, dtype=np.bool_)
    for feature in range(width):
        first, last = offsets[feature], offsets[feature + 1]
        total, squares = 0.0, 0.0
        for i in range(first, last):
            total += values[i]
            squares += values[i] * values[i]
        if first == last or len(lags) == 0:
            continue
        mean = total / len(begins)
        variance = squares / len(begins) - mean * mean
        if variance <= 1e-12 * squares / len(begins):
            continue
        before, earlier_lag = 1.0, 0
        halved = False
        for k in range(len(lags)):
            lag = lags[k]
            products, earlier, later = 0.0, 0.0, 0.0
            j = first
            for i in range(first, last):
                there = rows[i] + lag
                if there < ends[rows[i]]:
                    earlier += values[i]
                    while j < last and rows[j] < there:
                        j += 1
                    if j < last and rows[j] == there:
                        products += values[i] * values[j]
                if rows[i] - lag >= begins[rows[i]]:
                    later += values[i]
            covariance = (products - mean * (earlier + later)) / pairs[k] + mean * mean
            now = covariance / variance
            if now <= 0.5:
                steps[feature] = earlier_lag + (lag - earlier_lag) * (before - 0.5) / (before - now)
                halved = True
                break
            before, earlier_lag = now, lag
        if not halved:
            steps[feature] = earlier_lag
            censored[feature] = True
    return steps, censored


sort_by_feature = njit(cache=True)(_sort_by_feature)
half_lives = njit(cache=True)(_half_lives)
