"""Order-preserving integers of floats, and quantisation to 8-bit integers."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

# Activations and weights are finite; with `nnan` the compiler vectorises maxima.
_FINITE = {"reassoc", "contract", "nnan", "nsz"}


def ascending_bits(bits):
    """Integers in the order of the floats with these bits, negative floats included."""
    return bits ^ ((bits >> (8 * bits.itemsize - 1)) & np.iinfo(bits.dtype).max)


@njit(cache=True)
def ascending_bits_of_one(bits, halved):
    """`ascending_bits` of one integer; halved: of a bfloat16 instead of a float32."""
    return bits ^ (0x7FFF if halved else 0x7FFFFFFF) if bits < 0 else bits


@njit(cache=True)
def lower_by_margin(bits, margin, halved):
    """Ascending bits of a non-negative float less a margin, rounded down."""
    word = np.empty(1, np.int32)
    number = word.view(np.float32)
    word[0] = np.int32(bits) << 16 if halved else bits
    number[0] -= margin
    low = np.int64(word[0])
    if halved:
        # Towards minus infinity, so that no entry above the exact difference is lost.
        low = (low >> 16) + (low < 0)
    return ascending_bits_of_one(low, halved)


@njit(cache=True)
def largest_magnitude(bits):
    """The largest magnitude of the floats with these bits."""
    # A maximum of integers is vectorised, in contrast to one of floats, which a NaN would decide.
    most = np.int32(0)
    for n in range(bits.shape[0]):
        most = max(most, np.int32(bits[n] & np.int32(0x7FFFFFFF)))
    word = np.empty(1, np.int32)
    word[0] = most
    return word.view(np.float32)[0]


@njit(cache=True, parallel=True, fastmath=_FINITE)
def norms_and_maxima(x):
    """Euclidean norm and largest magnitude of every row, in one pass."""
    norms, largest = np.empty(x.shape[0], np.float32), np.empty(x.shape[0], np.float32)
    bits = x.view(np.int32)
    for row in prange(x.shape[0]):
        line = x[row]
        total = np.float32(0)
        for n in range(line.shape[0]):
            total += line[n] * line[n]
        norms[row], largest[row] = np.sqrt(total), largest_magnitude(bits[row])
    return norms, largest


@njit(cache=True, parallel=True, fastmath=_FINITE)
def quantise(x):
    """Rows quantised to 8-bit integers, and the scale of every row."""
    out = np.empty(x.shape, np.int8)
    scales = np.empty(x.shape[0], np.float32)
    bits = x.view(np.int32)
    for row in prange(x.shape[0]):
        line, integers = x[row], out[row]
        largest = largest_magnitude(bits[row])
        scale = largest / np.float32(127) if largest > 0 else np.float32(1)
        scales[row] = scale
        inverse = np.float32(1) / scale
        for n in range(line.shape[0]):
            integers[n] = np.int8(np.int32(np.rint(line[n] * inverse)))
    return out, scales
