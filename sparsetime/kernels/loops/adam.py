"""Numba loops of an Adam step, in one pass over memory."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_FAST = {"contract", "reassoc", "nsz"}


@njit(cache=True, parallel=True, fastmath=_FAST)
def project(values, indices, weight):
    """Remove the component of every row along its unit-norm weight row, in place."""
    for row in prange(values.shape[0]):
        line = values[row]
        atom = weight[indices[row]]
        along = np.float32(0)
        for n in range(line.shape[0]):
            along += line[n] * atom[n]
        for n in range(line.shape[0]):
            line[n] -= along * atom[n]


@njit(cache=True, parallel=True, fastmath=_FAST)
def adam(weight, first, second, values, row_of, numbers, unit_rows):
    """Adam step on every row.

    `row_of[latent]` is the row of its gradient in `values`, -1 for zero; without it, its own row.
    """
    scale, first_decay, second_decay, size, correction, epsilon = numbers
    d = weight.shape[1]
    for latent in prange(weight.shape[0]):
        atom, mean, square = weight[latent], first[latent], second[latent]
        row = row_of[latent] if row_of.shape[0] > 0 else np.int64(latent)
        if row >= 0:
            line = values[row]
            for n in range(d):
                slope = line[n] * scale
                mean[n] = first_decay * mean[n] + (1 - first_decay) * slope
                square[n] = second_decay * square[n] + (1 - second_decay) * slope * slope
        else:
            for n in range(d):
                mean[n] = first_decay * mean[n]
                square[n] = second_decay * square[n]
        for n in range(d):
            atom[n] -= size * mean[n] / (np.sqrt(square[n]) / correction + epsilon)
        if unit_rows:
            square_norm = np.float32(0)
            for n in range(d):
                square_norm += atom[n] * atom[n]
            factor = 1 / max(np.sqrt(square_norm), np.float32(1e-8))
            for n in range(d):
                atom[n] *= factor
