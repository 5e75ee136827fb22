"""Numba loops of selection within every row of a tile (see `tiles`)."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from sparsetime.kernels.loops.bits import ascending_bits_of_one, lower_by_margin
from sparsetime.kernels.loops.search import (
    bound_of_rank,
    count_above,
    likely_bound,
    write_indices_above,
)
from sparsetime.kernels.loops.tiles import dtype_of, line_of, room_of, shape_of

# Rows that share scratch arrays.
_ROWS_AT_ONCE = 16
# Rows from which the number of kept entries of a row is estimated.
_ROWS_OF_ESTIMATE = 16


@njit(cache=True)
def _largest_of_row(line, k, maxima, indices, values):
    """Write the ascending indices of the k largest positive entries; return their number."""
    candidates = write_indices_above(line, likely_bound(line, k, maxima), indices)
    if candidates <= k:
        return candidates
    for n in range(candidates):
        values[n] = line[indices[n]]
    bound = bound_of_rank(values[:candidates], k)
    ties = k - count_above(values[:candidates], bound)
    kept = 0
    for n in range(candidates):
        tied = values[n] == bound
        indices[kept] = indices[n]
        kept += (values[n] > bound) | (tied & (ties > 0))
        ties -= tied
    return kept


@njit(cache=True, parallel=True)
def _largest_per_row(tile, width, room, k, strides, kind, counts, selected):
    rows = counts.shape[0]
    for start in prange((rows + _ROWS_AT_ONCE - 1) // _ROWS_AT_ONCE):
        scratch = np.empty(room, np.int32)
        maxima = np.empty(strides, kind.dtype)
        indices = np.empty(width + 1, np.int64)
        values = np.empty(width, kind.dtype)
        for row in range(start * _ROWS_AT_ONCE, min((start + 1) * _ROWS_AT_ONCE, rows)):
            line = line_of(tile, row, scratch)
            count = _largest_of_row(line, k, maxima, indices, values)
            counts[row] = count
            selected[row, :count] = indices[:count]


def _strides(width, k):
    """Number of interleaved maxima of a row for `likely_bound`; 0 where they save no time."""
    strides = min(8 * k, width // 4) // 32 * 32
    return strides if strides >= 2 * k else 0


def largest_per_row(tile, k):
    """The k largest positive entries of every row: counts [rows], indices [entries].

    Of equal entries the first are kept.
    """
    rows, width = shape_of(tile)
    counts, selected = np.empty(rows, np.int64), np.empty((rows, k), np.int64)
    kind = np.empty(0, dtype_of(tile))  # passes the dtype into the compiled loop
    _largest_per_row(tile, width, room_of(tile), k, _strides(width, k), kind, counts, selected)
    return counts, joined(counts, selected)


@njit(cache=True, parallel=True)
def _above(tile, width, room, bound, counts, selected, values):
    rows, most = selected.shape
    for start in prange((rows + _ROWS_AT_ONCE - 1) // _ROWS_AT_ONCE):
        scratch = np.empty(room, np.int32)
        indices = np.empty(width + 1, np.int64)
        for row in range(start * _ROWS_AT_ONCE, min((start + 1) * _ROWS_AT_ONCE, rows)):
            line = line_of(tile, row, scratch)
            counts[row] = write_indices_above(line, bound, indices)
            for n in range(min(counts[row], most)):
                selected[row, n] = indices[n]
                values[row, n] = line[indices[n]]


def above(tile, bound):
    """Entries whose integers are above `bound` >= 0: counts [rows], indices, integers [entries]."""
    rows, width = shape_of(tile)
    bound = dtype_of(tile).type(bound)

    def of(first, most):
        counts, selected = np.empty(first, np.int64), np.empty((first, most), np.int64)
        values = np.empty((first, most), dtype_of(tile))
        _above(tile, width, room_of(tile), bound, counts, selected, values)
        return counts, selected, values

    counts, selected, values = _with_room(of, rows, width)
    return counts, joined(counts, selected), joined(counts, values)


@njit(cache=True)
def joined(counts, selected):
    """The first `counts[row]` numbers of every row, concatenated."""
    out = np.empty(counts.sum(), selected.dtype)
    start = 0
    for row in range(counts.shape[0]):
        out[start : start + counts[row]] = selected[row, : counts[row]]
        start += counts[row]
    return out


def _with_room(of, rows, width):
    """`of(rows, most)` with `most` at least the largest count of a row.

    The counts of the first rows estimate it; where it is too small, the scan is repeated.
    """
    estimate = of(min(rows, _ROWS_OF_ESTIMATE), 0)[0].max(initial=0)
    most = min(width, 2 * int(estimate) + 32)
    result = of(rows, most)
    needed = int(result[0].max(initial=0))
    return result if needed <= most else of(rows, needed)


@njit(cache=True, parallel=True)
def _near_largest_per_row(tile, width, room, k, strides, margins, kind, counts, selected):
    rows, most = selected.shape
    halved = kind.itemsize == 2
    for start in prange((rows + _ROWS_AT_ONCE - 1) // _ROWS_AT_ONCE):
        scratch = np.empty(room, np.int32)
        maxima = np.empty(strides, kind.dtype)
        indices = np.empty(width + 1, np.int64)
        values = np.empty(width, kind.dtype)
        for row in range(start * _ROWS_AT_ONCE, min((start + 1) * _ROWS_AT_ONCE, rows)):
            line = line_of(tile, row, scratch)
            # Of a rank beyond k, so that entries near the k-th largest are mostly included.
            likely = likely_bound(line, 2 * k, maxima)
            count = write_indices_above(line, likely, indices)
            for n in range(count):
                values[n] = line[indices[n]]
            # At most k entries are above the bound, and at least k at or above it.
            bound = bound_of_rank(values[:count], k) if count > k else likely
            low = line.dtype.type(lower_by_margin(bound, margins[row], halved))
            if low < 0:
                for n in range(width):
                    values[n] = ascending_bits_of_one(line[n], halved)
                count = write_indices_above(values, low, indices)
            elif low < likely:
                count = write_indices_above(line, low, indices)
            else:
                kept = 0
                for n in range(count):
                    indices[kept] = indices[n]
                    kept += values[n] > low
                count = kept
            counts[row] = count
            for n in range(min(count, most)):
                selected[row, n] = indices[n]


def near_largest_per_row(tile, k, margins):
    """Entries above their row's k-th largest less a margin: counts [rows], indices [entries].

    margins: float32 [rows]. Where fewer than k are positive, entries above minus the margin.
    """
    rows, width = shape_of(tile)
    kind = np.empty(0, dtype_of(tile))

    def of(first, most):
        counts, selected = np.empty(first, np.int64), np.empty((first, most), np.int64)
        room, strides = room_of(tile), _strides(width, 2 * k)
        _near_largest_per_row(tile, width, room, k, strides, margins, kind, counts, selected)
        return counts, selected

    counts, selected = _with_room(of, rows, width)
    return counts, joined(counts, selected)


@njit(cache=True, parallel=True)
def mask_of_largest(bits, k):
    """Mask of the k largest integers of each row, of either sign; of equal ones the first."""
    mask = np.empty(bits.shape, np.bool_)
    for row in prange(bits.shape[0]):
        line = bits[row]
        low, high = np.int64(line[0]), np.int64(line[0])
        for n in range(line.shape[0]):
            low, high = min(low, np.int64(line[n])), max(high, np.int64(line[n]))
        low -= 1
        # Invariant: more than k, or all, are above `low`; at most k are above `high`.
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
