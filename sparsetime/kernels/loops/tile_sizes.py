"""Tiles of a product of 8-bit integers of either size, by the instructions of that size.

size: rows of a tile, ROWS or, where matrices are multiplied by AMX, MATRIX_ROWS.
"""

from __future__ import annotations

from numba import njit

from sparsetime.kernels.loops.integer_tiles import scores_of_tile
from sparsetime.kernels.loops.matrix_tiles import (
    MATRIX_ROWS,
    begin,
    end,
    scores_by_matrices,
    shapes_of_registers,
)

# Rows that read a panel while it is in the cache: more by AMX, which is faster than the next cache.
_ROWS_AT_ONCE, _MOST_ROWS_AT_ONCE = 96, 256
_SHAPES = shapes_of_registers()


@njit(cache=True)
def rows_at_once(count, threads, size):
    """Rows that a thread selects at once: a multiple of a tile's."""
    if size != MATRIX_ROWS:
        return _ROWS_AT_ONCE
    of_thread = max(1, (count + threads - 1) // threads)
    parts = (of_thread + _MOST_ROWS_AT_ONCE - 1) // _MOST_ROWS_AT_ONCE
    return ((of_thread + parts - 1) // parts + size - 1) // size * size


@njit(cache=True)
def begin_tiles(size):
    """Make the thread ready to multiply tiles of this size; what `end_tiles` takes."""
    shapes = _SHAPES.copy()
    if size == MATRIX_ROWS:
        begin(shapes.ctypes.data)
    return shapes


@njit(cache=True)
def end_tiles(size, shapes):
    if size == MATRIX_ROWS:
        end(shapes.ctypes.data)


@njit(cache=True)
def write_tile(size, row, d, panel, fours, start_at, scale_at, column, room, out, step):
    """`scores_of_tile` of a tile of this size: addresses, because views would be counted."""
    if size == MATRIX_ROWS:
        scores_by_matrices(row, d, panel, fours, start_at, scale_at, column, room, out, step)
    else:
        scores_of_tile(row, d, panel, fours, start_at, scale_at, column, room, out, step)
