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
    union = np.union1d(touched, indices)
    target = np.zeros(len(union), dtype=now.dtype)
    target[np.searchsorted(union, indices)] = values
    change = target - now[union]
    # A stable sort, so that equal changes are made in the order of their latents.
    order = np.argsort(-np.abs(change), kind="mergesort")
    for at in order:
        step, atom = change[at], atoms[union[at]]
        now[union[at]] = target[at]
        total = np.float32(0.0)
        for n in range(len(error)):
            error[n] -= step * atom[n]
            total += error[n] * error[n]
        if total <= allowed:
            break
    return union[now[union] != 0]


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
                out_indices = np.concatenate((out_indices, np.empty_like(out_indices)))
                out_values = np.concatenate((out_values, np.empty_like(out_values)))
            out_indices[begin:end] = touched
            out_values[begin:end] = now[touched]
            out_offsets[row + 1] = end
        now[touched] = 0
    count = out_offsets[rows]
    return out_offsets, out_indices[:count], out_values[:count]
