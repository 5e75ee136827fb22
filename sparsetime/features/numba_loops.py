"""Numba loops over the entries of a code, where numpy would need a sort or a dense table."""

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
    sequence: Int[np.ndarray, " rows"],
    begins: Int[np.ndarray, " sequences_plus_1"],
    group: Int[np.ndarray, " sequences"],
    lags: Int[np.ndarray, " lags"],
    levels: Float[np.ndarray, " lags"],
    pairs: Float[np.ndarray, "draws lags"],
    steps: Float[np.ndarray, " draws"],
    weights: Float[np.ndarray, "draws groups"],
) -> tuple[
    Float[np.ndarray, "draws width"],
    Bool[np.ndarray, " width"],
    Float[np.ndarray, "draws width"],
    Float[np.ndarray, "draws width"],
]:
    """Every feature's half-life in every draw of groups; whether the first draw's is censored.

    Then the sums of squares within sequences, about the mean of each, and between them.
    group: of each sequence; weights: how often each group is drawn; pairs, steps: how many there
    are in each draw; levels: what the autocorrelation within sequences is at each lag where that
    lag is the half-life. Sums of each lag are taken by group once, and weighed for each draw; lags
    are read until every draw is below the level. Only pairs in which both steps fire have a
    product; the share of the others is -m (sum of both sides) + m^2 (pairs), m of the sequence.
    """
    draws, groups = weights.shape
    width = len(offsets) - 1
    half_lives = np.full((draws, width), np.nan)
    within, between = np.zeros((draws, width)), np.zeros((draws, width))
    censored = np.zeros(width, dtype=np.bool_)
    squares, covariance = np.zeros(groups), np.zeros(groups)
    sums, of_means = np.zeros(groups), np.zeros(groups)
    before, above = np.zeros(draws), np.zeros(draws)
    done = np.zeros(draws, dtype=np.bool_)
    for feature in range(width):
        first, last = offsets[feature], offsets[feature + 1]
        if first == last:
            continue
        squares[:], sums[:], of_means[:] = 0.0, 0.0, 0.0
        total = 0.0
        start = first
        while start < last:
            s, stop, mean, square = sequence[rows[start]], start, 0.0, 0.0
            while stop < last and sequence[rows[stop]] == s:
                mean += values[stop]
                square += values[stop] * values[stop]
                stop += 1
            length = begins[s + 1] - begins[s]
            squares[group[s]] += square - mean * mean / length
            of_means[group[s]] += mean * mean / length
            sums[group[s]] += mean
            total += square
            start = stop
        for n in range(draws):
            within[n, feature] = np.dot(weights[n], squares)
            whole = np.dot(weights[n], sums)
            between[n, feature] = np.dot(weights[n], of_means) - whole * whole / steps[n]
            before[n], above[n] = 1.0, 0.5
            done[n] = within[n, feature] <= 1e-12 * total or len(lags) == 0
        varies = not done[0]
        for k in range(len(lags)):
            if done.all():
                break
            lag = lags[k]
            covariance[:] = 0.0
            start = first
            while start < last:
                s, stop, mean = sequence[rows[start]], start, 0.0
                product, side = 0.0, 0.0
                j = start
                while stop < last and sequence[rows[stop]] == s:
                    row = rows[stop]
                    mean += values[stop]
                    if row + lag < begins[s + 1]:
                        side += values[stop]
                        while j < last and rows[j] < row + lag:
                            j += 1
                        if j < last and rows[j] == row + lag:
                            product += values[stop] * values[j]
                    if row - lag >= begins[s]:
                        side += values[stop]
                    stop += 1
                length = begins[s + 1] - begins[s]
                mean /= length
                covariance[group[s]] += product - mean * side
                covariance[group[s]] += mean * mean * max(length - lag, 0)
                start = stop
            for n in range(draws):
                if done[n] or pairs[n, k] == 0:
                    continue
                variance = within[n, feature] / steps[n]
                now = np.dot(weights[n], covariance) / pairs[n, k] / variance
                if now <= levels[k]:
                    earlier = lags[k - 1] if k > 0 else 0
                    high, low = before[n] - above[n], now - levels[k]
                    half_lives[n, feature] = earlier + (lag - earlier) * high / (high - low)
                    done[n] = True
                before[n], above[n] = now, levels[k]
        for n in range(draws):
            if not done[n]:
                half_lives[n, feature] = lags[-1]
        censored[feature] = varies and not done[0]
    return half_lives, censored, within, between


sort_by_feature = njit(cache=True)(_sort_by_feature)
half_lives = njit(cache=True)(_half_lives)
