"""Numba loops of hysteresis and delta coding."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_FAST = {"contract", "reassoc", "nsz"}


@njit(cache=True, parallel=True)
def hysteresis(offsets, indices, fires, segments, out):
    """out[entry]: fires[entry], or the latent was active in the row before, within its segment."""
    for segment in prange(len(segments) - 1):
        for row in range(segments[segment], segments[segment + 1]):
            first = row == segments[segment]
            before = offsets[row] if first else offsets[row - 1]
            for entry in range(offsets[row], offsets[row + 1]):
                while before < offsets[row] and indices[before] < indices[entry]:
                    before += 1
                candidate = before < offsets[row] and indices[before] == indices[entry]
                out[entry] = fires[entry] or (candidate and out[before])


@njit(cache=True, fastmath=_FAST)
def _distance(aim, atoms, indices, values, start, stop, out):
    """Squared norm of `out`, to which aim - sum of values * atoms is written."""
    out[:] = aim
    for entry in range(start, stop):
        value, atom = values[entry], atoms[indices[entry]]
        for n in range(len(out)):
            out[n] -= value * atom[n]
    total = np.float32(0.0)
    for n in range(len(out)):
        total += out[n] * out[n]
    return total


@njit(cache=True, fastmath=_FAST)
def _change(now, touched, fresh, aim, atoms, tolerance, error):
    """Change `now` (values [width], active at `touched`) until its error is within tolerance.

    The values that differ most from the fresh ones are replaced first, until the squared error is
    at most the tolerance above that of the fresh code. Returns the active latents.
    """
    indices, values = fresh
    allowed = tolerance + _distance(aim, atoms, indices, values, 0, len(indices), error)
    values_now = now[touched]
    if _distance(aim, atoms, touched, values_now, 0, len(touched), error) <= allowed:
        return touched
    union = _union(touched, indices)
    target, size = np.zeros(len(union), dtype=now.dtype), np.empty(len(union), dtype=now.dtype)
    entry = 0
    for at in range(len(union)):
        if entry < len(indices) and indices[entry] == union[at]:
            target[at] = values[entry]
            entry += 1
        size[at] = abs(target[at] - now[union[at]])
    for _ in range(len(union)):
        largest = 0
        for at in range(1, len(union)):
            # Of equal changes the one of the first latent.
            largest = at if size[at] > size[largest] else largest
        latent, size[largest] = union[largest], -1.0
        step, atom = target[largest] - now[latent], atoms[latent]
        now[latent] = target[largest]
        total = np.float32(0.0)
        for n in range(len(error)):
            error[n] -= step * atom[n]
            total += error[n] * error[n]
        if total <= allowed:
            break
    active = 0
    for latent in union:
        union[active] = latent
        active += now[latent] != 0
    return union[:active]


@njit(cache=True)
def _union(one, other):
    """The ascending union of two ascending arrays."""
    # `np.union1d`, `np.argsort` and `np.concatenate` would each take numba seconds to compile.
    out = np.empty(len(one) + len(other), dtype=np.int64)
    a, b, count = 0, 0, 0
    while a < len(one) or b < len(other):
        from_one = b == len(other) or (a < len(one) and one[a] <= other[b])
        out[count] = one[a] if from_one else other[b]
        b += b < len(other) and other[b] == out[count]
        a += from_one
        count += 1
    return out[:count]


@njit(cache=True)
def _twice_as_long(values):
    """The values at the beginning of a new array of twice the length."""
    out = np.empty(2 * len(values), dtype=values.dtype)
    for n in range(len(values)):
        out[n] = values[n]
    return out


@njit(cache=True)
def delta_code(offsets, indices, values, aim, atoms, segments, tolerance, past, width):
    """See `kernels.delta_code`. past: offsets, indices and values of the preceding codes."""
    before_offsets, before_indices, before_values = past
    rows = len(offsets) - 1
    out_offsets = np.zeros(rows + 1, dtype=np.int64)
    out_indices = np.empty(max(64, 2 * len(indices)), dtype=np.int64)
    out_values = np.empty(len(out_indices), dtype=values.dtype)
    now, error = np.zeros(width, dtype=values.dtype), np.empty(aim.shape[1], dtype=aim.dtype)
    for segment in range(len(segments) - 1):
        start, stop = before_offsets[segment], before_offsets[segment + 1]
        touched = before_indices[start:stop].copy()
        now[touched] = before_values[start:stop]
        for row in range(segments[segment], segments[segment + 1]):
            entries = slice(offsets[row], offsets[row + 1])
            fresh = (indices[entries], values[entries])
            touched = _change(now, touched, fresh, aim[row], atoms, tolerance, error)
            begin = out_offsets[row]
            end = begin + len(touched)
            while end > len(out_indices):
                out_indices = _twice_as_long(out_indices)
                out_values = _twice_as_long(out_values)
            out_indices[begin:end] = touched
            out_values[begin:end] = now[touched]
            out_offsets[row + 1] = end
        now[touched] = 0
    count = out_offsets[rows]
    return out_offsets, out_indices[:count], out_values[:count]
