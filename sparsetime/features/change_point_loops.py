"""Numba loops of change points: noise between neighbours, optimal partitioning, joining of states.

Entries of a code are given by row: offsets [rows + 1], features ascending in a row, weights.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from numba import njit


def _add_squares(
    offsets: Int[np.ndarray, " rows_plus_1"],
    features: Int[np.ndarray, " entries"],
    weights: Float[np.ndarray, " entries"],
    one: int,
    other: int,
    out: Float[np.ndarray, " width"],
) -> float:
    """Adds the squared difference of two rows by feature to `out`; returns its sum.

    An `out` without elements takes the sum alone.
    """
    i, end_i = offsets[one], offsets[one + 1]
    j, end_j = offsets[other], offsets[other + 1]
    total = 0.0
    while i < end_i or j < end_j:
        if j == end_j or (i < end_i and features[i] < features[j]):
            feature, apart = features[i], weights[i]
            i += 1
        elif i == end_i or features[j] < features[i]:
            feature, apart = features[j], weights[j]
            j += 1
        else:
            feature, apart = features[i], weights[i] - weights[j]
            i += 1
            j += 1
        total += apart * apart
        if len(out):
            out[feature] += apart * apart
    return total


def _noise(
    offsets: Int[np.ndarray, " rows_plus_1"],
    features: Int[np.ndarray, " entries"],
    weights: Float[np.ndarray, " entries"],
    width: int,
    counted: int,
) -> Float[np.ndarray, " width"]:
    """Mean squared difference of a row to its nearer neighbour, by feature.

    Over the `counted` rows that are nearest to theirs; zero where none is counted.
    """
    rows = len(offsets) - 1
    variance, nothing = np.zeros(width), np.zeros(0)
    before = np.full(rows + 1, np.inf)
    for row in range(1, rows):
        before[row] = add_squares(offsets, features, weights, row - 1, row, nothing)
    order = np.argsort(np.minimum(before[:-1], before[1:]))
    for row in order[:counted]:
        other = row - 1 if before[row] <= before[row + 1] else row + 1
        if 0 <= other < rows:
            add_squares(offsets, features, weights, row, other, variance)
    return variance / max(counted, 1)


def _partition(
    offsets: Int[np.ndarray, " rows_plus_1"],
    features: Int[np.ndarray, " entries"],
    weights: Float[np.ndarray, " entries"],
    width: int,
    penalty: float,
    shortest: int,
    longest: int,
) -> Int[np.ndarray, " cuts"]:
    """First rows of all states but the first, in the partition of least cost.

    A state of the rows a to b costs sum |y|^2 - |sum y|^2 / (b - a) + penalty. A start that costs
    more up to some row than the best partition of these rows never returns, and is dropped; so is
    one of more than `longest` rows. For every start that is left, |sum y|^2 of its rows is kept: a
    new row adds twice its products with them, which its features' earlier entries give.
    """
    rows = len(offsets) - 1
    begin = np.zeros(width + 1, dtype=np.int64)
    for feature in features:
        begin[feature + 1] += 1
    for feature in range(width):
        begin[feature + 1] += begin[feature]
    filled = begin[:-1].copy()
    row_of, weight_of = np.empty(len(features), dtype=np.int64), np.empty(len(features))
    cost, last = np.full(rows + 1, np.inf), np.zeros(rows + 1, dtype=np.int64)
    cost[0] = -penalty
    squares, product = np.zeros(rows + 1), np.zeros(rows + 1)
    start, sums = np.zeros(rows + 1, dtype=np.int64), np.zeros(rows + 1)
    dropped_at = np.full(rows + 1, rows + 2)
    many = 1
    for end in range(1, rows + 1):
        row, first = end - 1, start[0]
        own = 0.0
        for entry in range(offsets[row], offsets[row + 1]):
            feature, weight = features[entry], weights[entry]
            own += weight * weight
            while begin[feature] < filled[feature] and row_of[begin[feature]] < first:
                begin[feature] += 1
            for place in range(begin[feature], filled[feature]):
                product[row_of[place]] += weight * weight_of[place]
            row_of[filled[feature]], weight_of[filled[feature]] = row, weight
            filled[feature] += 1
        squares[end] = squares[end - 1] + own
        added, n = 0.0, many - 1
        for earlier in range(row, first - 1, -1):
            if earlier < row:
                added += product[earlier]
                product[earlier] = 0.0
            if n < 0 or start[n] != earlier:
                continue
            sums[n] += 2 * added + own
            if end - earlier >= shortest:
                state = squares[end] - squares[earlier] - sums[n] / (end - earlier)
                if cost[earlier] + state + penalty < cost[end]:
                    cost[end], last[end] = cost[earlier] + state + penalty, earlier
            n -= 1
        left = 0
        for n in range(many):
            length = end - start[n]
            if length >= shortest and dropped_at[n] > rows + 1:
                state = squares[end] - squares[start[n]] - sums[n] / length
                if cost[start[n]] + state >= cost[end]:
                    # Until a state that begins here is long enough, the start may be needed.
                    dropped_at[n] = end + shortest
            if end + 1 < dropped_at[n] and length < longest:
                start[left], sums[left], dropped_at[left] = start[n], sums[n], dropped_at[n]
                left += 1
        many = left
        if cost[end] < np.inf:
            start[many], sums[many], dropped_at[many] = end, 0.0, rows + 2
            many += 1
    cuts = np.zeros(rows + 1, dtype=np.int64)
    count, end = 0, rows
    while last[end] > 0:
        end = last[end]
        cuts[count] = end
        count += 1
    return cuts[:count][::-1].copy()


def _joined(
    offsets: Int[np.ndarray, " rows_plus_1"],
    features: Int[np.ndarray, " entries"],
    weights: Float[np.ndarray, " entries"],
    width: int,
    penalty: float,
    cuts: Int[np.ndarray, " cuts"],
) -> Int[np.ndarray, " kept"]:
    """The cuts whose two states cost more as one, from the first on.

    A state longer than the partition compares at once comes out in parts, which are joined here.
    """
    kept, count = np.zeros(len(cuts), dtype=np.int64), 0
    sums, added = np.zeros(width), np.zeros(width)
    begin, square = 0, 0.0
    for n in range(-1, len(cuts)):
        first = 0 if n < 0 else cuts[n]
        stop = cuts[n + 1] if n + 1 < len(cuts) else len(offsets) - 1
        own, both = 0.0, 0.0
        for entry in range(offsets[first], offsets[stop]):
            feature, weight = features[entry], weights[entry]
            both += weight * sums[feature]
            own += weight * (2 * added[feature] + weight)
            added[feature] += weight
        whole = square + 2 * both + own
        apart = own / (stop - first)
        if n >= 0:
            apart += square / (first - begin) - whole / (stop - begin)
        if n >= 0 and apart > penalty:
            kept[count] = first
            count += 1
            # `sums` of the closed state are taken off by its own entries.
            for entry in range(offsets[begin], offsets[first]):
                sums[features[entry]] = 0.0
            begin, square = first, own
        else:
            square = whole
        for entry in range(offsets[first], offsets[stop]):
            feature = features[entry]
            sums[feature] += added[feature]
            added[feature] = 0.0
    return kept[:count]


# Without the interpreter's lock, so that pages are answered while a long sequence is cut.
add_squares = njit(cache=True, nogil=True)(_add_squares)
noise = njit(cache=True, nogil=True)(_noise)
partition = njit(cache=True, nogil=True)(_partition)
joined = njit(cache=True, nogil=True)(_joined)
