"""Of the entries of a sparse code, which stay. Plain arrays in, plain arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from sparsetime.kernels.loops.search import bound_of_rank, count_above


@njit(cache=True)
def values_at(bits, counts, indices):
    """The bits at the given places, row by row."""
    out = np.empty(indices.shape[0], np.int32)
    at = 0
    for row in range(counts.shape[0]):
        for _ in range(counts[row]):
            out[at] = bits[row, indices[at]]
            at += 1
    return out


def value_at_rank(bits, rank):
    """A bound that about `rank` entries are above; 0 where fewer are positive."""
    return int(bound_of_rank(bits.reshape(-1), rank))


@njit(cache=True)
def _keep_largest(counts, indices, values, bound, ties):
    """Entries above the bound, and the first `ties` of those on it."""
    kept = np.empty(indices.shape[0], np.int64)
    new_counts = np.zeros_like(counts)
    at = 0
    new = 0
    for row in range(counts.shape[0]):
        for _ in range(counts[row]):
            take = values[at] > bound
            if values[at] == bound and ties > 0:
                take = True
                ties -= 1
            if take:
                kept[new] = indices[at]
                new += 1
                new_counts[row] += 1
            at += 1
    return new_counts, kept[:new]


def keep_largest(counts, indices, values, total):
    """The `total` largest of all positive entries; of equal ones the first."""
    if values.shape[0] <= total:
        return _keep_largest(counts, indices, values, 0, 0)
    bound = max(0, int(np.partition(values, values.shape[0] - total)[values.shape[0] - total]))
    if bound == 0:
        return _keep_largest(counts, indices, values, 0, 0)
    ties = total - int((values > bound).sum())
    return _keep_largest(counts, indices, values, bound, ties)


@njit(cache=True, parallel=True)
def _keep_largest_per_row(offsets, indices, bits, k):
    rows = offsets.shape[0] - 1
    counts = np.empty(rows, np.int64)
    found = np.empty((rows, k), np.int64)
    for row in prange(rows):
        line = bits[offsets[row] : offsets[row + 1]]
        bound = bound_of_rank(line, k)
        ties = k - count_above(line, bound) if bound > 0 else 0
        count = 0
        for n in range(line.shape[0]):
            tied = line[n] == bound
            if line[n] > bound or (tied and ties > 0):
                found[row, count] = indices[offsets[row] + n]
                count += 1
            ties -= tied
        counts[row] = count
    return counts, found


def keep_largest_per_row(offsets, indices, bits, k):
    """Of every row's entries the k largest positive ones: counts [rows], indices [entries].

    Of equal entries the first ones stay.
    """
    counts, found = _keep_largest_per_row(offsets, indices, bits, k)
    return counts, found[np.arange(k) < counts[:, None]]
