"""Selection among the entries of a sparse code."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from sparsetime.kernels.loops.search import bound_of_rank, count_above


def value_near_rank(bits, rank):
    """A bound with 15 / 16 to all of `rank` entries above it; 0 where fewer are positive."""
    return int(bound_of_rank(bits.reshape(-1), rank, rank // 16))


@njit(cache=True)
def _positions_from(values, bound, ties):
    """Positions of the entries above the bound, and of the first `ties` equal to it."""
    positions = np.empty(values.shape[0] + 1, np.int64)
    count = 0
    for n in range(values.shape[0]):
        tied = values[n] == bound
        # Every position is written and only kept ones advance: no branch to mispredict.
        positions[count] = n
        count += (values[n] > bound) | (tied & (ties > 0))
        ties -= tied
    return positions[:count]


def largest_of_entries(values, total):
    """Positions of the `total` largest positive entries; of equal entries the first."""
    bound = 0
    if values.shape[0] > total:
        bound = max(0, int(np.partition(values, values.shape[0] - total)[values.shape[0] - total]))
    ties = total - int((values > bound).sum()) if bound else 0
    return _positions_from(values, bound, ties)


@njit(cache=True, parallel=True)
def _largest_of_entries_per_row(offsets, bits, k):
    rows = offsets.shape[0] - 1
    counts = np.empty(rows, np.int64)
    positions = np.empty((rows, k), np.int64)
    for row in prange(rows):
        line = bits[offsets[row] : offsets[row + 1]]
        bound = bound_of_rank(line, k)
        ties = k - count_above(line, bound) if bound > 0 else 0
        count = 0
        for n in range(line.shape[0]):
            tied = line[n] == bound
            if line[n] > bound or (tied and ties > 0):
                positions[row, count] = offsets[row] + n
                count += 1
            ties -= tied
        counts[row] = count
    return counts, positions


def largest_of_entries_per_row(offsets, bits, k):
    """Positions, among all entries, of the k largest positive entries of every row.

    Of equal entries the first are kept.
    """
    counts, positions = _largest_of_entries_per_row(offsets, bits, k)
    return positions[np.arange(k) < counts[:, None]]
