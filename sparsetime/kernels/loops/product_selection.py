"""Numba loops that select within a product of 8-bit integers, which is never written to memory.

Every `_SAMPLED`-th panel of latents is multiplied first. Its scores give every row a bound that
most likely has k entries above it, and few more. Then all other panels are multiplied, and only
scores above the bound leave the registers.

size: rows of a tile; see `tile_sizes`.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from sparsetime.kernels.loops.aligned import aligned_bytes
from sparsetime.kernels.loops.bits import ascending_bits_of_one, lower_by_margin
from sparsetime.kernels.loops.integer_tiles import LATENTS, lowest_bit, mask_above
from sparsetime.kernels.loops.search import bound_of_rank, count_above, likely_bound
from sparsetime.kernels.loops.tile_sizes import begin_tiles, end_tiles, rows_at_once, write_tile

_SAMPLED = 16


def sampled_latents(width):
    """How many of the latents are in the panels that give the bounds."""
    panels = -(-width // LATENTS)
    return -(-panels // _SAMPLED) * LATENTS


@njit(cache=True)
def _append(mask, first, scores, line, start, indices, values, row, count):
    """Append the scores of a mask to a row's candidates; return their number, of all that came.

    The mask is of scores[line, start:]; `first` is the latent of its lowest bit.
    """
    room = indices.shape[1]
    while mask != np.uint64(0):
        n = lowest_bit(mask)
        mask &= mask - np.uint64(1)
        if count < room:
            indices[row, count] = first + n
            values[row, count] = scores[line, start + n]
        count += 1
    return count


@njit(cache=True)
def _scores(rows, panels, columns, size, start, stop, every, out):
    """Scores of every `every`-th panel for the rows from start to stop: out [rows, latents]."""
    integers, scales, starts = rows
    d, fours = integers.shape[1], panels.shape[1]
    shapes, room = begin_tiles(size), np.empty(3 * size, np.float32)
    row_at, scale_at, start_at = integers.ctypes.data, scales.ctypes.data, starts.ctypes.data
    room_at, out_at = room.ctypes.data, out.ctypes.data
    for number in range(out.shape[1] // LATENTS):
        panel = panels[number * every].ctypes.data
        column = columns[number * every].ctypes.data
        for row in range(start, stop, size):
            write_tile(
                size,
                row_at + row * d,
                d,
                panel,
                fours,
                start_at + 4 * row,
                scale_at + 4 * row,
                column,
                room_at,
                out_at + 4 * ((row - start) * out.shape[1] + number * LATENTS),
                4 * out.shape[1],
            )
    end_tiles(size, shapes)


@njit(cache=True)
def _collect(rows, panels, columns, size, start, stop, bounds, sample, counts, indices, values):
    """Candidates of the rows from start to stop: entries above their row's bound, ascending.

    bounds: float32 [rows of the block]. counts: of all entries above, also beyond the room for
    indices and values, [rows, room].
    """
    integers, scales, starts = rows
    d, fours = integers.shape[1], panels.shape[1]
    sampled = sample.shape[1] > 0
    shapes = begin_tiles(size)
    scores = aligned_bytes(4 * size * LATENTS).view(np.float32).reshape(size, LATENTS)
    # A tile reads its bounds and writes its masks beside each other.
    room = np.empty(3 * size, np.float32)
    masks = room[size:].view(np.uint64)
    row_at, scale_at, start_at = integers.ctypes.data, scales.ctypes.data, starts.ctypes.data
    room_at, score_at = room.ctypes.data, scores.ctypes.data
    sample_at = sample.ctypes.data
    for panel in range(panels.shape[0]):
        first = panel * LATENTS
        if sampled and panel % _SAMPLED == 0:
            at = panel // _SAMPLED * LATENTS
            for row in range(stop - start):
                mask = mask_above(sample_at + 4 * (row * sample.shape[1] + at), bounds[row])
                if mask != np.uint64(0):
                    counts[row] = _append(
                        mask, first, sample, row, at, indices, values, row, counts[row]
                    )
            continue
        packed, column = panels[panel].ctypes.data, columns[panel].ctypes.data
        for row in range(start, stop, size):
            for n in range(size):
                room[n] = bounds[row - start + n]
            write_tile(
                size,
                row_at + row * d,
                d,
                packed,
                fours,
                start_at + 4 * row,
                scale_at + 4 * row,
                column,
                room_at,
                score_at,
                4 * LATENTS,
            )
            for n in range(size):
                if masks[n] != np.uint64(0):
                    at = row - start + n
                    counts[at] = _append(
                        masks[n], first, scores, n, 0, indices, values, at, counts[at]
                    )
    end_tiles(size, shapes)


@njit(cache=True)
def _likely_bounds(sample, rank, margins, start, count, likely, bounds):
    """Bits of a bound of each row with `rank` sampled scores above it, and that less a margin.

    likely: int32 [rows]; bounds: float32 [rows]. Without margins both are the same number.
    """
    strides = min(8 * rank, sample.shape[1] // 4) // 32 * 32
    maxima = np.empty(strides if strides >= 2 * rank else 0, np.int32)
    of = bounds.view(np.int32)
    for row in range(bounds.shape[0]):
        if row >= count:
            bounds[row] = np.inf
            continue
        likely[row] = likely_bound(sample[row].view(np.int32), rank, maxima)
        of[row] = likely[row]
        if margins.shape[0] > 0:
            low = lower_by_margin(likely[row], margins[start + row], False)
            of[row] = np.int32(ascending_bits_of_one(low, False))


@njit(cache=True)
def _keep_largest(values, k, indices, out):
    """Write the indices of the k largest of a row's positive candidates; return their number."""
    bound = bound_of_rank(values, k)
    ties = k - count_above(values, bound) if bound > 0 else 0
    kept = 0
    for n in range(values.shape[0]):
        tied = values[n] == bound
        # Every index is written and only kept ones advance: no branch to mispredict.
        indices[kept] = indices[n]
        kept += (values[n] > bound) | (tied & (ties > 0))
        ties -= tied
    for n in range(kept):
        out[n] = indices[n]
    return kept


@njit(cache=True, parallel=True)
def largest_in_product(rows, panels, columns, size, rank, k, room, threads, counts, selected):
    count = counts.shape[0]
    sampled = (panels.shape[0] + _SAMPLED - 1) // _SAMPLED * LATENTS
    at_once = rows_at_once(count, threads, size)
    for thread in prange(threads):
        sample = aligned_bytes(4 * at_once * sampled).view(np.float32).reshape(at_once, sampled)
        likely, bounds = np.empty(at_once, np.int32), np.zeros(at_once, np.float32)
        indices = np.empty((at_once, room), np.int32)
        values = np.empty((at_once, room), np.float32)
        bits = values.view(np.int32)
        for start in range(thread * at_once, count, threads * at_once):
            stop = min(start + at_once, rows[0].shape[0])
            came = np.zeros(at_once, np.int64)
            _scores(rows, panels, columns, size, start, stop, _SAMPLED, sample)
            _likely_bounds(sample, rank, bounds[:0], start, count - start, likely, bounds)
            _collect(
                rows, panels, columns, size, start, stop, bounds, sample, came, indices, values
            )
            for row in range(min(stop, count) - start):
                if came[row] > room or (came[row] < k and likely[row] > 0):
                    counts[start + row] = -1
                    continue
                counts[start + row] = _keep_largest(
                    bits[row, : came[row]], k, indices[row], selected[start + row]
                )


@njit(cache=True, parallel=True)
def near_largest_in_product(
    rows, panels, columns, size, rank, k, margins, threads, counts, selected
):
    count, room = selected.shape
    sampled = (panels.shape[0] + _SAMPLED - 1) // _SAMPLED * LATENTS
    at_once = rows_at_once(count, threads, size)
    for thread in prange(threads):
        sample = aligned_bytes(4 * at_once * sampled).view(np.float32).reshape(at_once, sampled)
        likely, bounds = np.empty(at_once, np.int32), np.zeros(at_once, np.float32)
        indices = np.empty((at_once, room), np.int32)
        values = np.empty((at_once, room), np.float32)
        for start in range(thread * at_once, count, threads * at_once):
            stop = min(start + at_once, rows[0].shape[0])
            came = np.zeros(at_once, np.int64)
            _scores(rows, panels, columns, size, start, stop, _SAMPLED, sample)
            _likely_bounds(sample, rank, margins, start, count - start, likely, bounds)
            _collect(
                rows, panels, columns, size, start, stop, bounds, sample, came, indices, values
            )
            for row in range(min(stop, count) - start):
                bits = values[row, : came[row]].view(np.int32)
                if came[row] > room or (likely[row] > 0 and count_above(bits, likely[row]) < k):
                    counts[start + row] = -1
                    continue
                low = lower_by_margin(bound_of_rank(bits, k), margins[start + row], False)
                kept = 0
                for n in range(bits.shape[0]):
                    selected[start + row, kept] = indices[row, n]
                    kept += ascending_bits_of_one(bits[n], False) > low
                counts[start + row] = kept


@njit(cache=True, parallel=True)
def above_in_product(rows, panels, columns, size, bound, threads, counts, selected, values):
    count = counts.shape[0]
    at_once = rows_at_once(count, threads, size)
    for thread in prange(threads):
        sample = np.empty((at_once, 0), np.float32)
        bounds = np.full(at_once, bound, np.float32)
        for start in range(thread * at_once, count, threads * at_once):
            stop = min(start + at_once, rows[0].shape[0])
            came = np.zeros(at_once, np.int64)
            # Rows that fill up the last tile are beyond the last of a code.
            bounds[min(stop, count) - start :] = np.inf
            _collect(
                rows,
                panels,
                columns,
                size,
                start,
                stop,
                bounds,
                sample,
                came,
                selected[start:],
                values[start:],
            )
            counts[start : min(stop, count)] = came[: min(stop, count) - start]


@njit(cache=True, parallel=True)
def scores_of_product(rows, panels, columns, size, threads):
    """All scores of some rows: float32 [rows, latents of the panels]."""
    count, latents = rows[0].shape[0], panels.shape[0] * LATENTS
    out = aligned_bytes(4 * count * latents).view(np.float32).reshape(count, latents)
    at_once = rows_at_once(count, threads, size)
    for thread in prange(threads):
        for start in range(thread * at_once, count, threads * at_once):
            stop = min(start + at_once, count)
            _scores(rows, panels, columns, size, start, stop, 1, out[start:stop])
    return out
