"""Rows and latents as 8-bit integers, in the order in which products of tiles read them."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from sparsetime.kernels.loops.aligned import aligned_bytes
from sparsetime.kernels.loops.bits import largest_magnitude
from sparsetime.kernels.loops.integer_tiles import LATENTS

_FINITE = {"reassoc", "contract", "nnan", "nsz"}


@njit(cache=True, parallel=True, fastmath=_FINITE)
def rows_of_integers(x, size, multiple):
    """Quantised rows, a multiple of `size` rows and of `multiple` dimensions: the others are 0.

    Returns integers int8 [rows, d], scales float32 [rows], and -128 times the sum of each row,
    int32 [rows], which undoes that the latents' integers are 128 larger. `bits.quantise` gives the
    same integers.
    """
    rows, d = x.shape
    padded = (rows + size - 1) // size * size
    many = (d + multiple - 1) // multiple * multiple
    out = aligned_bytes(padded * many).view(np.int8).reshape(padded, many)
    scales, starts = np.zeros(padded, np.float32), np.zeros(padded, np.int32)
    bits = x.view(np.int32)
    for row in prange(padded):
        integers = out[row]
        if row >= rows:
            integers[:] = 0
            continue
        line = x[row]
        largest = largest_magnitude(bits[row])
        scale = largest / np.float32(127) if largest > 0 else np.float32(1)
        scales[row] = scale
        inverse = np.float32(1) / scale
        total = np.int32(0)
        for n in range(d):
            integers[n] = np.int8(np.int32(np.rint(line[n] * inverse)))
        integers[d:] = 0
        for n in range(d):
            total += np.int32(integers[n])
        starts[row] = np.int32(-128) * total
    return out, scales, starts


@njit(cache=True, parallel=True, fastmath=_FINITE)
def panels_of_integers(weight, multiple):
    """Quantised latents in panels of `LATENTS`: the four dimensions of a latent side by side.

    multiple: of dimensions, a multiple of four.

    Returns panels uint8 [panels, d / 4, LATENTS, 4], 128 larger than the integers; scales and
    norms, float32 [panels * LATENTS]. Latents beyond the last are 0.
    """
    width, d = weight.shape
    count = (width + LATENTS - 1) // LATENTS
    fours = (d + multiple - 1) // multiple * multiple // 4
    panels = aligned_bytes(count * fours * LATENTS * 4).reshape(count, fours, LATENTS, 4)
    scales, norms = np.zeros((2, count * LATENTS), np.float32)
    bits = weight.view(np.int32)
    for panel in prange(count):
        lines = np.full((LATENTS, fours * 4), 128, np.uint8)
        for latent in range(panel * LATENTS, min((panel + 1) * LATENTS, width)):
            line, integers = weight[latent], lines[latent - panel * LATENTS]
            largest = largest_magnitude(bits[latent])
            scale = largest / np.float32(127) if largest > 0 else np.float32(1)
            # Of a latent that is 0 the scale is 0, so that its rounding error is.
            scales[latent] = scale if largest > 0 else np.float32(0)
            inverse = np.float32(1) / scale
            square = np.float32(0)
            for n in range(d):
                integers[n] = np.uint8(np.int32(np.rint(line[n] * inverse)) + np.int32(128))
                square += line[n] * line[n]
            norms[latent] = np.sqrt(square)
        words, out = lines.view(np.uint32), panels[panel].view(np.uint32)
        # Reads that are apart can be one vector, and writes cannot.
        for four in range(fours):
            for latent in range(LATENTS):
                out[four, latent, 0] = words[latent, four]
    return panels, scales, norms


def padded_rows(rows, chosen, size):
    """Some of quantised rows, in the form of `rows_of_integers`."""
    count = -(-chosen.shape[0] // size) * size
    parts = []
    for part in rows:
        shape = (count, *part.shape[1:])
        out = aligned_bytes(part.itemsize * math.prod(shape)).view(part.dtype).reshape(shape)
        out[: chosen.shape[0]] = part[chosen]
        out[chosen.shape[0] :] = 0
        parts.append(out)
    return tuple(parts)
