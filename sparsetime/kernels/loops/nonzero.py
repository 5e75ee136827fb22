"""Numba loops that count entries which are not zero, by row and by column."""

from __future__ import annotations

from numba import njit, prange


@njit(cache=True, parallel=True)
def nonzero_by_row(x, weights, result):
    """result[r] = sum over j with x[r, j] != 0 of weights[j]; in integers of the weights' type."""
    none = weights[0] - weights[0]
    for row in prange(x.shape[0]):
        line = x[row]
        total = none
        for j in range(x.shape[1]):
            total += weights[j] if line[j] != 0 else none
        result[row] = total


@njit(cache=True)
def nonzero_by_column(x, result):
    """result[j] += the number of rows with x[r, j] != 0."""
    for row in range(x.shape[0]):
        line = x[row]
        for j in range(x.shape[1]):
            result[j] += 1 if line[j] != 0 else 0
