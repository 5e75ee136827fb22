"""Numba loops of a linear map with constant fan-in."""

from __future__ import annotations

from numba import njit, prange

_FAST = {"contract", "reassoc", "nsz"}


@njit(cache=True, parallel=True, fastmath=_FAST)
def condensed(x, values, places, bias, result):
    """result[b, o] = bias[o] + sum over n of values[o, n] x[b, places[o, n]]."""
    fan_in = values.shape[1]
    for out in prange(values.shape[0]):
        weight, place = values[out], places[out]
        for row in range(x.shape[0]):
            line = x[row]
            # One sum, which the compiler vectorises; several by hand keep it from that.
            total = bias[out]
            for n in range(fan_in):
                total += weight[n] * line[place[n]]
            result[row, out] = total
