"""Which entries of every row of a tile stay. Compiled; `tiles` says what a tile is."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from sparsetime.kernels.loops.bits import ascending_one, lowered
from sparsetime.kernels.loops.search import bound_of_rank, count_above, likely_bound, places_above
from sparsetime.kernels.loops.tiles import dtype_of, line_of, room_of, shape_of

# Rows that share scratch memory.
_ROWS_AT_ONCE = 16
# Rows from which it is guessed how many entries a row keeps.
_GUESSED_FROM = 16


@njit(cache=True)
def _largest_of_row(line, k, maxima, places, values):
    """Write the places of the k largest positive entries, ascending; how many there are."""
    found = places_above(line, likely_bound(line, k, maxima), places)
    if found <= k:
        return found
    for n in range(found):
        values[n] = line[places[n]]
    bound = bound_of_rank(values[:found], k)
    ties = k - count_above(values[:found], bound)
    kept = 0
    for n in range(found):
        tied = values[n] == bound
        places[kept] = places[n]
        kept += (values[n] > bound) | (tied & (ties > 0))
        ties -= tied
    return kept


@njit(cache=True, parallel=True)
def _largest_per_row(tile, width, room, k, strides, kind, counts, found):
    rows = counts.shape[0]
    for start in prange((rows + _ROWS_AT_ONCE - 1) // _ROWS_AT_ONCE):
        scratch = np.empty(room, np.int32)
        maxima = np.empty(strides, kind.dtype)
        places = np.empty(width + 1, np.int64)
        values = np.empty(width, kind.dtype)
        for row in range(start * _ROWS_AT_ONCE, min((start + 1) * _ROWS_AT_ONCE, rows)):
            line = line_of(tile, row, scratch)
            count = _largest_of_row(line, k, maxima, places, values)
            counts[row] = count
            found[row, :count] = places[:count]


def _strides(width, k):
    """How many maxima to take of a row; none where that would not save anything."""
    strides = min(8 * k, width // 4) // 32 * 32
    return strides if strides >= 2 * k else 0


def largest_per_row(tile, k):
    """The k largest positive entries of every row: counts [rows], indices [entries].

    Of equal entries the first ones stay.
    """
    rows, width = shape_of(tile)
    counts, found = np.empty(rows, np.int64), np.empty((rows, k), np.int64)
    kind = np.empty(0, dtype_of(tile))
    _largest_per_row(tile, width, room_of(tile), k, _strides(width, k), kind, counts, found)
    return counts, _joined(counts, found)


@njit(cache=True, parallel=True)
def _above(tile, width, room, bound, counts, found, values):
    rows, most = found.shape
    for start in prange((rows + _ROWS_AT_ONCE - 1) // _ROWS_AT_ONCE):
        scratch = np.empty(room, np.int32)
        places = np.empty(width + 1, np.int64)
        for row in range(start * _ROWS_AT_ONCE, min((start + 1) * _ROWS_AT_ONCE, rows)):
            line = line_of(tile, row, scratch)
            counts[row] = places_above(line, bound, places)
            for n in range(min(counts[row], most)):
                found[row, n] = places[n]
                values[row, n] = line[places[n]]


def above(tile, bound):
    """Entries whose integers are above `bound`, at least 0.

    Counts [rows], indices [entries] and the integers [entries].
    """
    rows, width = shape_of(tile)
    bound = dtype_of(tile).type(bound)

    def of(first, most):
        counts, found = np.empty(first, np.int64), np.empty((first, most), np.int64)
        values = np.empty((first, most), dtype_of(tile))
        _above(tile, width, room_of(tile), bound, counts, found, values)
        return counts, found, values

    counts, found, values = _with_room(of, rows, width)
    return counts, _joined(counts, found), _joined(counts, values)


@njit(cache=True)
def _joined(counts, found):
    """What is found of every row, one after another."""
    out = np.empty(counts.sum(), found.dtype)
    start = 0
    for row in range(counts.shape[0]):
        out[start : start + counts[row]] = found[row, : counts[row]]
        start += counts[row]
    return out


def _with_room(of, rows, width):
    """`of(rows, most)`, with room for as many entries as a row turns out to have."""
    guess = of(min(rows, _GUESSED_FROM), 0)[0].max(initial=0)
    most = min(width, 2 * int(guess) + 32)
    result = of(rows, most)
    needed = int(result[0].max(initial=0))
    return result if needed <= most else of(rows, needed)


@njit(cache=True, parallel=True)
def _near_largest_per_row(tile, width, room, k, strides, margins, kind, counts, found):
    rows, most = found.shape
    halved = kind.itemsize == 2
    for start in prange((rows + _ROWS_AT_ONCE - 1) // _ROWS_AT_ONCE):
        scratch = np.empty(room, np.int32)
        maxima = np.empty(strides, kind.dtype)
        places = np.empty(width + 1, np.int64)
        values = np.empty(width, kind.dtype)
        for row in range(start * _ROWS_AT_ONCE, min((start + 1) * _ROWS_AT_ONCE, rows)):
            line = line_of(tile, row, scratch)
            # Of a rank beyond k, so that what is near the k-th largest is most often among them.
            likely = likely_bound(line, 2 * k, maxima)
            count = places_above(line, likely, places)
            for n in range(count):
                values[n] = line[places[n]]
            # At most k are above the bound, and k or more on it or above.
            bound = bound_of_rank(values[:count], k) if count > k else likely
            low = line.dtype.type(lowered(bound, margins[row], halved))
            if low < 0:
                for n in range(width):
                    values[n] = ascending_one(line[n], halved)
                count = places_above(values, low, places)
            elif low < likely:
                count = places_above(line, low, places)
            else:
                kept = 0
                for n in range(count):
                    places[kept] = places[n]
                    kept += values[n] > low
                count = kept
            counts[row] = count
            for n in range(min(count, most)):
                found[row, n] = places[n]


def near_largest_per_row(tile, k, margins):
    """Entries less than a margin below their row's k-th largest: counts [rows], indices [entries].

    margins: float32 [rows]. Where fewer than k are positive, those above minus the margin.
    """
    rows, width = shape_of(tile)
    kind = np.empty(0, dtype_of(tile))

    def of(first, most):
        counts, found = np.empty(first, np.int64), np.empty((first, most), np.int64)
        room, strides = room_of(tile), _strides(width, 2 * k)
        _near_largest_per_row(tile, width, room, k, strides, margins, kind, counts, found)
        return counts, found

    counts, found = _with_room(of, rows, width)
    return counts, _joined(counts, found)


@njit(cache=True, parallel=True)
def mask_of_largest(bits, k):
    """Per row, which are the k largest of integers of either sign; of equal ones the first."""
    mask = np.empty(bits.shape, np.bool_)
    for row in prange(bits.shape[0]):
        line = bits[row]
        low, high = np.int64(line[0]), np.int64(line[0])
        for n in range(line.shape[0]):
            low, high = min(low, np.int64(line[n])), max(high, np.int64(line[n]))
        low -= 1
        # Invariant: more than k are above `low`, or all; at most k are above `high`.
        while high - low > 1:
            middle = low + (high - low) // 2
            count = count_above(line, bits.dtype.type(middle))
            if count > k:
                low = middle
            else:
                high = middle
                if count == k:
                    break
        ties = k - count_above(line, bits.dtype.type(high))
        for n in range(line.shape[0]):
            tied = line[n] == high
            mask[row, n] = line[n] > high or (tied and ties > 0)
            ties -= tied
    return mask
