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
    begins: Int[np.ndarray, " rows"],
    ends: Int[np.ndarray, " rows"],
    group: Int[np.ndarray, " rows"],
    lags: Int[np.ndarray, " lags"],
    pairs: Float[np.ndarray, "draws lags"],
    steps: Float[np.ndarray, " draws"],
    weights: Float[np.ndarray, "draws groups"],
) -> tuple[Float[np.ndarray, "draws width"], Bool[np.ndarray, " width"]]:
    """Every feature's half-life in every draw of groups; whether the first draw's is censored.

    group: of each row, ascending; weights: how often each is drawn; pairs, steps: how many there
    are in each draw.
    The sums of each lag are taken by group once, and weighed for each draw; lags are read
    until the autocorrelation has halved in every draw. Only pairs in which both steps fire have a
    product; the mean's share of the others is -m (sum of both sides) / pairs + m^2.
    """
    draws, groups = weights.shape
    width = len(offsets) - 1
    half_lives = np.full((draws, width), np.nan)
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
            product, side, now_in = 0.0, 0.0, group[rows[first]]
            j = first
            for i in range(first, last):
                row = rows[i]
                there = row + lag
                if group[row] != now_in:
                    products[now_in], sides[now_in] = product, side
                    product, side, now_in = 0.0, 0.0, group[row]
                if there < ends[row]:
                    side += values[i]
                    while j < last and rows[j] < there:
                        j += 1
                    if j < last and rows[j] == there:
                        product += values[i] * values[j]
                if row - lag >= begins[row]:
                    side += values[i]
            products[now_in], sides[now_in] = product, side
            for n in range(draws):
                if done[n] or pairs[n, k] == 0:
                    continue
                covariance = np.dot(weights[n], products) - mean[n] * np.dot(weights[n], sides)
                now = (covariance / pairs[n, k] + mean[n] * mean[n]) / variance[n]
                if now <= 0.5:
                    earlier = lags[k - 1] if k > 0 else 0
                    part = (before[n] - 0.5) / (before[n] - now)
                    half_lives[n, feature] = earlier + (lag - earlier) * part
                    done[n] = True
                before[n] = now
        for n in range(draws):
            if not done[n]:
                reached = len(lags) - 1
                while reached > 0 and pairs[n, reached] == 0:
                    reached -= 1
                half_lives[n, feature] = lags[reached]
        censored[feature] = varies and not done[0]
    return half_lives, censored


def _window_similarity(
    offsets: Int[np.ndarray, " rows_plus_1"],
    features: Int[np.ndarray, " entries"],
    weights: Float[np.ndarray, " entries"],
    width: int,
    window: int,
) -> Float[np.ndarray, " places"]:
    """The cosine of the sums of the `window` rows before, and from, each place that has both.

    The window moves on by a row at a time: one row joins the later sum, one leaves it for the
    earlier, and one leaves that; only their entries are touched.
    """
    rows = len(offsets) - 1
    before, after = np.zeros(width), np.zeros(width)
    inner, earlier, later = 0.0, 0.0, 0.0
    similarity = np.empty(rows - 2 * window + 1)
    for row in range(rows):
        for side in range(3):
            moved = row - side * window
            if moved < 0:
                continue
            for entry in range(offsets[moved], offsets[moved + 1]):
                i = features[entry]
                b, a, w = before[i], after[i], weights[entry]
                more_before = (w if side == 1 else 0.0) - (w if side == 2 else 0.0)
                more_after = (w if side == 0 else 0.0) - (w if side == 1 else 0.0)
                inner += (b + more_before) * (a + more_after) - b * a
                earlier += (b + more_before) ** 2 - b * b
                later += (a + more_after) ** 2 - a * a
                before[i], after[i] = b + more_before, a + more_after
        place = row + 1 - 2 * window
        if place >= 0:
            # Where nothing is active only rounding errors remain, which must not give a cosine.
            norms = np.sqrt(max(earlier, 0.0) * max(later, 0.0))
            similarity[place] = inner / norms if norms > 1e-12 else 0.0
    return similarity


window_similarity = njit(cache=True)(_window_similarity)
sort_by_feature = njit(cache=True)(_sort_by_feature)
half_lives = njit(cache=True)(_half_lives)
