"""Numba loop of the residuals of nested prefixes of a code."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from sparsetime.kernels.loops.products import dots_of_row

_FAST = {"contract", "reassoc", "nsz"}


@njit(cache=True, fastmath=_FAST)
def _subtract(values, indices, atoms, start, stop, line):
    """Subtract the sum of values * atoms[index] over the entries, for four of them at once."""
    fours = (stop - start) // 4
    for four in range(fours):
        at = start + 4 * four
        a, b = atoms[indices[at]], atoms[indices[at + 1]]
        c, e = atoms[indices[at + 2]], atoms[indices[at + 3]]
        of_a, of_b, of_c, of_e = values[at], values[at + 1], values[at + 2], values[at + 3]
        for n in range(line.shape[0]):
            line[n] -= of_a * a[n] + of_b * b[n] + of_c * c[n] + of_e * e[n]
    for entry in range(start + 4 * fours, stop):
        value, atom = values[entry], atoms[indices[entry]]
        for n in range(line.shape[0]):
            line[n] -= value * atom[n]


@njit(cache=True, parallel=True, fastmath=_FAST)
def nested_residuals(
    values, offsets, indices, atoms, bias, target, shares, errors, slopes, dots, residual
):
    """See `kernels.nested_residuals`. A row's atoms are read once: they stay in the cache."""
    rows, groups, d = slopes.shape
    for row in prange(rows):
        error = np.float32(0)
        for group in range(groups):
            line = slopes[row, group]
            if group == 0:
                for n in range(d):
                    line[n] = target[row, n] - bias[n]
            else:
                line[:] = slopes[row, group - 1]
            finer = row * groups + group
            _subtract(values, indices, atoms, offsets[finer], offsets[finer + 1], line)
            squares = np.float32(0)
            for n in range(d):
                squares += line[n] * line[n]
            error += shares[group] * squares
        errors[row] = error
        if groups > 1:
            residual[row] = slopes[row, groups - 1]
            for n in range(d):
                slopes[row, groups - 1, n] *= shares[groups - 1]
            for back in range(1, groups):
                group = groups - 1 - back
                line, after, share = slopes[row, group], slopes[row, group + 1], shares[group]
                for n in range(d):
                    line[n] = share * line[n] + after[n]
        for group in range(groups):
            finer = row * groups + group
            dots_of_row(
                slopes[row, group], atoms, indices, offsets[finer], offsets[finer + 1], dots
            )
