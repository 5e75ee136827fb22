"""Numba loops of sums over the entries of a sparse code.

Results do not depend on the number of threads: a thread computes whole rows (or whole latents),
and no two threads add to the same number.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_FAST = {"contract", "reassoc", "nsz"}


@njit(cache=True, fastmath=_FAST)
def dots_of_row(line, weight, indices, start, stop, out):
    """out[entry] = line · weight[index], for four entries at once: the line is read once."""
    d = line.shape[0]
    fours = (stop - start) // 4
    for four in range(fours):
        at = start + 4 * four
        a, b = weight[indices[at]], weight[indices[at + 1]]
        c, e = weight[indices[at + 2]], weight[indices[at + 3]]
        of_a, of_b, of_c, of_e = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for n in range(d):
            of_a += line[n] * a[n]
            of_b += line[n] * b[n]
            of_c += line[n] * c[n]
            of_e += line[n] * e[n]
        out[at], out[at + 1], out[at + 2], out[at + 3] = of_a, of_b, of_c, of_e
    for entry in range(start + 4 * fours, stop):
        other = weight[indices[entry]]
        total = np.float32(0)
        for n in range(d):
            total += line[n] * other[n]
        out[entry] = total


@njit(cache=True, parallel=True, fastmath=_FAST)
def gather_dot(x, weight, offsets, indices, out):
    """out[entry] = x[row] · weight[index]."""
    for row in prange(offsets.shape[0] - 1):
        dots_of_row(x[row], weight, indices, offsets[row], offsets[row + 1], out)


@njit(cache=True, parallel=True, fastmath=_FAST)
def decode(values, offsets, indices, atoms, out):
    """out[row] = sum of values * atoms[index] over the entries of the row, four at once."""
    d = atoms.shape[1]
    for row in prange(offsets.shape[0] - 1):
        line = out[row]
        line[:] = 0
        fours = (offsets[row + 1] - offsets[row]) // 4
        for four in range(fours):
            at = offsets[row] + 4 * four
            a, b = atoms[indices[at]], atoms[indices[at + 1]]
            c, e = atoms[indices[at + 2]], atoms[indices[at + 3]]
            of_a, of_b, of_c, of_e = values[at], values[at + 1], values[at + 2], values[at + 3]
            for n in range(d):
                line[n] += of_a * a[n] + of_b * b[n] + of_c * c[n] + of_e * e[n]
        for entry in range(offsets[row] + 4 * fours, offsets[row + 1]):
            value = values[entry]
            atom = atoms[indices[entry]]
            for n in range(d):
                line[n] += value * atom[n]


@njit(cache=True, parallel=True)
def sums_of_runs(values, order, offsets, out):
    """out[run] = sum of values[order[n]] over n of the run, in this order."""
    for run in prange(offsets.shape[0] - 1):
        total = np.float32(0)
        for n in range(offsets[run], offsets[run + 1]):
            total += values[order[n]]
        out[run] = total


@njit(cache=True)
def transpose(offsets, indices, width):
    """Counting sort of the entries by latent: offsets [width + 1], rows and order [entries]."""
    starts = np.zeros(width + 1, np.int64)
    for entry in range(indices.shape[0]):
        starts[indices[entry] + 1] += 1
    for latent in range(width):
        starts[latent + 1] += starts[latent]
    next_position = starts[:-1].copy()
    rows = np.empty(indices.shape[0], np.int64)
    order = np.empty(indices.shape[0], np.int64)
    for row in range(offsets.shape[0] - 1):
        for entry in range(offsets[row], offsets[row + 1]):
            at = next_position[indices[entry]]
            next_position[indices[entry]] = at + 1
            rows[at] = row
            order[at] = entry
    return starts, rows, order
