"""Numba loops of sums over nested prefixes of a code."""

from __future__ import annotations

from numba import njit, prange

_FAST = {"contract", "reassoc", "nsz"}


@njit(cache=True, parallel=True, fastmath=_FAST)
def nested_differences(values, offsets, indices, atoms, aim, out):
    """out[row, group] = sum of values * atoms[index] up to the group's end, less the aim."""
    rows, groups, d = out.shape
    for row in prange(rows):
        for group in range(groups):
            line = out[row, group]
            if group == 0:
                for n in range(d):
                    line[n] = -aim[row, n]
            else:
                line[:] = out[row, group - 1]
            finer = row * groups + group
            for entry in range(offsets[finer], offsets[finer + 1]):
                value = values[entry]
                atom = atoms[indices[entry]]
                for n in range(d):
                    line[n] += value * atom[n]


@njit(cache=True, parallel=True, fastmath=_FAST)
def suffix_sums(errors, weights, out):
    """out[row, group] = sum of weights * errors[row] over this group and all later ones."""
    rows, groups, d = errors.shape
    for row in prange(rows):
        for back in range(groups):
            group = groups - 1 - back
            line, error, weight = out[row, group], errors[row, group], weights[group]
            if back == 0:
                for n in range(d):
                    line[n] = weight * error[n]
            else:
                after = out[row, group + 1]
                for n in range(d):
                    line[n] = after[n] + weight * error[n]
