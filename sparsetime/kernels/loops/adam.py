"""One step of Adam on every row of a matrix, in one pass over memory."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_FAST = {"contract", "reassoc", "nsz"}


@njit(cache=True, parallel=True, fastmath=_FAST)
def project(values, places, weight):
    """Take the part along its weight, which has length one, out of every row, in place."""
    for row in prange(values.shape[0]):
        line = values[row]
        own = weight[places[row]]
        along = np.float32(0)
        for n in range(line.shape[0]):
            along += line[n] * own[n]
        for n in range(line.shape[0]):
            line[n] -= along * own[n]


@njit(cache=True, parallel=True, fastmath=_FAST)
def adam(weight, first, second, values, row_of, numbers, unit_rows):
    """One step of Adam on every row; `row_of[latent]` is its row in `values`, or -1 for zeros."""
    scale, first_decay, second_decay, size, correction, epsilon = numbers
    d = weight.shape[1]
    for latent in prange(weight.shape[0]):
        own, mean, square = weight[latent], first[latent], second[latent]
        row = row_of[latent]
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
            own[n] -= size * mean[n] / (np.sqrt(square[n]) / correction + epsilon)
        if unit_rows:
            length = np.float32(0)
            for n in range(d):
                length += own[n] * own[n]
            shrink = 1 / max(np.sqrt(length), np.float32(1e-8))
            for n in range(d):
                own[n] *= shrink
