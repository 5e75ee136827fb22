"""Loops over the entries of a code in order of time; compiled by numba."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
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
    begins: Int[np.ndarray, " rows"],
    ends: Int[np.ndarray, " rows"],
    group: Int[np.ndarray, " rows"],
    lags: Int[np.ndarray, "groups width"],
    products: Float[np.ndarray, "groups width"],
    sides: Float[np.ndarray, "groups width"],
) -> None:
    """products: += f_t f_(t+L) at each group's and feature's own lag; sides: += f_t + f_(t+L).

    Only pairs of steps of one sequence count.
    """
    for feature in range(len(offsets) - 1):
        first, last = offsets[feature], offsets[feature + 1]
        j = first
        for i in range(first, last):
            row = rows[i]
            lag = lags[group[row], feature]
            there = row + lag
            if there < ends[row]:
                sides[group[row], feature] += values[i]
                while j < last and rows[j] < there:
                    j += 1
                if j < last and rows[j] == there:
                    products[group[row], feature] += values[i] * values[j]
            if row - lag >= begins[row]:
                sides[group[row], feature] += values[i]


def _half_life_draws(
    offsets: Int[np.ndarray, " width_plus_1"],
    rows: Int[np.ndarray, " entries"],
    values: Float[np.ndarray, " entries"],
    begins: Int[np.ndarray, " rows"],
    ends: Int[np.ndarray, " rows"],
    group: Int[np.ndarray, " rows"],
    lags: Int[np.ndarray, " lags"],
    pairs: Float[np.ndarray, "draws lags"],
    steps: Float[np.ndarray, " draws"],
    weights: Float[np.ndarray, "draws groups"],
) -> tuple[Float[np.ndarray, "draws width"], Bool[np.ndarray, " width"]]:
    """Every feature's half-life in every draw of groups; whether the first draw's is censored.

    The sums of each lag are taken by group once, and weighed for each draw; lags are looked at
    until the autocorrelation has halved in every draw.
    """
    draws, groups = weights.shape
    width = len(offsets) - 1
    found = np.full((draws, width), np.nan)
    censored = np.zeros(width, dtype=np.bool_)
    total, squares = np.zeros(groups), np.zeros(groups)
    products, sides = np.zeros(groups), np.zeros(groups)
    mean, variance, before = np.zeros(draws), np.zeros(draws), np.zeros(draws)
    done = np.zeros(draws, dtype=np.bool_)
    for feature in range(width):
        first, last = offsets[feature], offsets[feature + 1]
        if first == last or len(lags) == 0:
            continue
        total[:], squares[:] = 0.0, 0.0
        for i in range(first, last):
            total[group[rows[i]]] += values[i]
            squares[group[rows[i]]] += values[i] * values[i]
        for n in range(draws):
            square = np.dot(weights[n], squares) / steps[n]
            mean[n] = np.dot(weights[n], total) / steps[n]
            variance[n] = square - mean[n] * mean[n]
            before[n] = 1.0
            done[n] = variance[n] <= 1e-12 * square
        varies = not done[0]
        for k in range(len(lags)):
            if done.all():
                break
            lag = lags[k]
            products[:], sides[:] = 0.0, 0.0
            j = first
            for i in range(first, last):
                row = rows[i]
                there = row + lag
                if there < ends[row]:
                    sides[group[row]] += values[i]
                    while j < last and rows[j] < there:
                        j += 1
                    if j < last and rows[j] == there:
                        products[group[row]] += values[i] * values[j]
                if row - lag >= begins[row]:
                    sides[group[row]] += values[i]
            for n in range(draws):
                if done[n] or pairs[n, k] == 0:
                    continue
                covariance = np.dot(weights[n], products) - mean[n] * np.dot(weights[n], sides)
                now = (covariance / pairs[n, k] + mean[n] * mean[n]) / variance[n]
                if now <= 0.5:
                    earlier = lags[k - 1] if k > 0 else 0
                    part = (before[n] - 0.5) / (before[n] - now)
                    found[n, feature] = earlier + (lag - earlier) * part
                    done[n] = True
                before[n] = now
        for n in range(draws):
            if not done[n]:
                reached = len(lags) - 1
                while reached > 0 and pairs[n, reached] == 0:
                    reached -= 1
                found[n, feature] = lags[reached]
        censored[feature] = varies and not done[0]
    return found, censored


def _announced(
    rows: Int[np.ndarray, " events"],
    features: Int[np.ndarray, " events"],
    begins: Int[np.ndarray, " events"],
    within: int,
    counts: Int[np.ndarray, "features features"],
    lags: Int[np.ndarray, "features features"],
) -> None:
    """counts[i, j] += events of j with one of i at most `within` steps earlier; lags: their sum.

    Events are sorted by row. Of several events of i the latest counts, so each of j counts once.
    """
    latest = np.full(counts.shape[0], -1)
    for later in range(len(rows)):
        earlier = later - 1
        floor = max(rows[later] - within, begins[later])
        while earlier >= 0 and rows[earlier] >= floor:
            feature = features[earlier]
            if rows[earlier] < rows[later] and latest[feature] != later:
                latest[feature] = later
                counts[feature, features[later]] += 1
                lags[feature, features[later]] += rows[later] - rows[earlier]
            earlier -= 1


products_at = njit(cache=True)(_products_at)
lag_products = njit(cache=True)(_lag_products)
half_life_draws = njit(cache=True)(_half_life_draws)
announced = njit(cache=True)(_announced)
