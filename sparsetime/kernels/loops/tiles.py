"""Tiles of pre-activations as order-preserving integers, for compiled loops over rows.

A tile is either the bits of its floats [rows, width], or the product of 8-bit integers: (sums
[rows, width], row scales, latent scales, bias, mask of the compared bits). Such sums are rescaled
one row at a time, and the row is searched while it is in the cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange, types
from numba.extending import overload


def shape_of(tile):
    """Rows and width of a tile."""
    return (tile[0] if isinstance(tile, tuple) else tile).shape


def dtype_of(tile):
    """The dtype of the integers that `line_of` returns."""
    return np.dtype(np.int32) if isinstance(tile, tuple) else tile.dtype


def room_of(tile):
    """Elements of the scratch array that `line_of` needs."""
    return tile[0].shape[1] if isinstance(tile, tuple) else 0


def line_of(tile, row, scratch):
    """The integers of one row: a view of the tile, or `scratch` (int32 [room_of(tile)])."""
    raise NotImplementedError("got a call outside compiled loops; call it from numba code")


@overload(line_of)
def _line_of(tile, row, scratch):
    if isinstance(tile, types.Array):
        return lambda tile, row, scratch: tile[row]

    def scaled(tile, row, scratch):
        sums, row_scales, latent_scales, bias, mask = tile
        line, scale = sums[row], row_scales[row]
        floats = scratch.view(np.float32)
        for n in range(line.shape[0]):
            floats[n] = np.float32(line[n]) * (scale * latent_scales[n]) + bias[n]
        if mask != -1:
            for n in range(line.shape[0]):
                scratch[n] &= mask
        return scratch

    return scaled


@njit(cache=True, parallel=True)
def _bits(tile, room, out):
    for row in prange(out.shape[0]):
        out[row] = line_of(tile, row, np.empty(room, np.int32))


def bits(tile, rows):
    """The integers of the first rows of a tile: [rows, width]."""
    if not isinstance(tile, tuple):
        return tile[:rows]
    out = np.empty((min(rows, tile[0].shape[0]), tile[0].shape[1]), np.int32)
    _bits(tile, room_of(tile), out)
    return out
