"""Floats as integers that compare alike, and 8-bit integers that stand for floats."""

from __future__ import annotations

import numpy as np
from numba import njit, prange


def floats_of(bits):
    """Bits of bfloat16 or float32 as float32."""
    wide = bits.astype(np.int32)
    return (wide << 16 if bits.dtype == np.int16 else wide).view(np.float32)


def bits_of(floats, dtype):
    """Bits, of floats rounded towards zero where they are halved; minus one more is below."""
    bits = floats.astype(np.float32).view(np.int32)
    if dtype == np.int16:
        # Towards minus infinity, so that nothing above the float is lost.
        bits = (bits >> 16) + (floats < 0)
        return bits.astype(np.int16)
    return bits


def ascending(bits):
    """Bits whose integers ascend with the floats, negative ones included."""
    return bits ^ ((bits >> (8 * bits.itemsize - 1)) & np.iinfo(bits.dtype).max)


@njit(cache=True, parallel=True)
def quantise(x):
    """Every row as 8-bit integers, and what they are to be multiplied by."""
    out = np.empty(x.shape, np.int8)
    scales = np.empty(x.shape[0], np.float32)
    for row in prange(x.shape[0]):
        line = x[row]
        largest = np.float32(0)
        for n in range(line.shape[0]):
            size = abs(line[n])
            largest = size if size > largest else largest
        scale = largest / np.float32(127) if largest > 0 else np.float32(1)
        scales[row] = scale
        up = np.float32(1) / scale
        for n in range(line.shape[0]):
            out[row, n] = np.int8(np.rint(line[n] * up))
    return out, scales


@njit(cache=True, parallel=True)
def rescale(sums, row_scales, latent_scales, bias, out):
    """Integer sums of products back in units of the pre-activation."""
    for row in prange(sums.shape[0]):
        line, scores, scale = sums[row], out[row], row_scales[row]
        for n in range(line.shape[0]):
            scores[n] = np.float32(line[n]) * (scale * latent_scales[n]) + bias[n]
