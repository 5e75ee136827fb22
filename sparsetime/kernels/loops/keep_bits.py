"""Numba loop that sets entries to zero by their bits."""

from __future__ import annotations

from numba import njit, prange


@njit(cache=True, parallel=True)
def keep_bits(values, bits):
    """values[i] &= bits[i]; bits are -1 where an entry stays and 0 elsewhere."""
    for i in prange(values.shape[0]):
        values[i] = values[i] & bits[i]
