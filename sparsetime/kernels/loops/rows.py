"""Which entries of every row of a tile stay. Plain arrays in, plain arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from sparsetime.kernels.loops.bits import ascending, bits_of, floats_of
from sparsetime.kernels.loops.search import bound_of_rank, count_above, likely_bound, places_above

# Rows that share scratch memory.
_ROWS_AT_ONCE = 16


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
def _largest_per_row(bits, k, strides, at_once):
    rows, width = bits.shape
    counts = np.empty(rows, np.int64)
    found = np.empty((rows, k), np.int64)
    for start in prange((rows + at_once - 1) // at_once):
        maxima = np.empty(strides, bits.dtype)
        places = np.empty(width + 1, np.int64)
        values = np.empty(width, bits.dtype)
        for row in range(start * at_once, min((start + 1) * at_once, rows)):
            count = _largest_of_row(bits[row], k, maxima, places, values)
            counts[row] = count
            found[row, :count] = places[:count]
    return counts, found


def _strides(width, k):
    """How many maxima to take of a row; none where that would not save anything."""
    strides = min(8 * k, width // 4) // 32 * 32
    return strides if strides >= 2 * k else 0


def largest_per_row(bits, k):
    """The k largest positive entries of every row: counts [rows], indices [entries].

    Of equal entries the first ones stay.
    """
    counts, found = _largest_per_row(bits, k, _strides(bits.shape[1], k), _ROWS_AT_ONCE)
    if (counts == k).all():
        return counts, found.reshape(-1)
    return counts, found[np.arange(k) < counts[:, None]]


@njit(cache=True, parallel=True)
def _bounds_of_rank(bits, k, strides, at_once, bounds):
    """For every row: a bound that at most k entries are above, and k or more on it or above."""
    rows, width = bits.shape
    for start in prange((rows + at_once - 1) // at_once):
        maxima = np.empty(strides, bits.dtype)
        places = np.empty(width + 1, np.int64)
        values = np.empty(width, bits.dtype)
        for row in range(start * at_once, min((start + 1) * at_once, rows)):
            line = bits[row]
            likely = likely_bound(line, k, maxima)
            found = places_above(line, likely, places)
            for n in range(found):
                values[n] = line[places[n]]
            bounds[row] = bound_of_rank(values[:found], k) if found > k else likely


@njit(cache=True, parallel=True)
def _counts_above(bits, bounds):
    counts = np.empty(bits.shape[0], np.int64)
    for row in prange(bits.shape[0]):
        counts[row] = count_above(bits[row], bounds[row])
    return counts


@njit(cache=True, parallel=True)
def _fill_above(bits, bounds, offsets, indices, at_once):
    rows, width = bits.shape
    for start in prange((rows + at_once - 1) // at_once):
        places = np.empty(width + 1, np.int64)
        for row in range(start * at_once, min((start + 1) * at_once, rows)):
            found = places_above(bits[row], bounds[row], places)
            indices[offsets[row] : offsets[row + 1]] = places[:found]


def above(bits, bound):
    """Entries whose bits are above `bound` (at least 0): counts [rows], indices [entries]."""
    return _above_each(bits, np.full(bits.shape[0], bound, bits.dtype))


def _above_each(bits, bounds):
    counts = _counts_above(bits, bounds)
    offsets = np.zeros(counts.shape[0] + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    indices = np.empty(offsets[-1], np.int64)
    _fill_above(bits, bounds, offsets, indices, _ROWS_AT_ONCE)
    return counts, indices


def above_zero(bits):
    """Positive entries: counts [rows], indices [entries]."""
    return above(bits, 0)


def near_largest_per_row(bits, k, margins):
    """Entries less than a margin below their row's k-th largest: counts [rows], indices [entries].

    margins: float32 [rows]. Where fewer than k are positive, those above minus the margin.
    """
    bounds = np.empty(bits.shape[0], bits.dtype)
    _bounds_of_rank(bits, k, _strides(bits.shape[1], k), _ROWS_AT_ONCE, bounds)
    lowered = floats_of(bounds) - margins
    below = lowered < 0
    if below.any():
        # The bits of negative floats ascend as the floats fall; turned over, all bits ascend.
        bits, lowered = ascending(bits), np.where(below, lowered, np.maximum(lowered, 0))
        return _above_each(bits, ascending(bits_of(lowered, bits.dtype)))
    return _above_each(bits, bits_of(lowered, bits.dtype))


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
