"""Compiled loops for sparse codes on CPUs. Plain arrays in, plain arrays out.

Every result is the same for any number of threads: a thread owns whole rows (or whole latents)
and no two of them add to the same number.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_FAST = {"contract", "reassoc", "nsz"}


@njit(cache=True, inline="always")
def _count_above(line, bound):
    count = np.int64(0)
    for n in range(line.shape[0]):
        count += line[n] > bound
    return count


@njit(cache=True)
def _bound_of_rank(line, k):
    """The largest bound, at least 0, that at least k entries are above or on; 0 where fewer are.

    Bisection over the bits: a counting pass over a row in the cache runs at vector speed, which
    no heap or partial sort does.
    """
    if _count_above(line, 0) <= k:
        return np.int64(0)
    low, high = np.int64(0), np.int64(0)
    for n in range(line.shape[0]):
        high = max(high, np.int64(line[n]))
    # Invariant: more than k entries are above `low`, at most k are above `high`.
    while high - low > 1:
        middle = low + (high - low) // 2
        count = _count_above(line, middle)
        if count > k:
            low = middle
        else:
            high = middle
            if count == k:
                break
    return high


@njit(cache=True, parallel=True)
def _largest_per_row(bits, k):
    rows, width = bits.shape
    counts = np.empty(rows, np.int64)
    found = np.empty((rows, k), np.int64)
    for row in prange(rows):
        line = bits[row]
        bound = _bound_of_rank(line, k)
        ties = k - _count_above(line, bound) if bound > 0 else np.int64(0)
        kept = np.empty(k + 1, np.int64)
        count = 0
        # Every place is written and only kept ones are passed: no branch to mispredict.
        for n in range(width):
            kept[count] = n
            tied = line[n] == bound
            count += (line[n] > bound) | (tied & (ties > 0))
            ties -= tied
        counts[row] = count
        found[row, :count] = kept[:count]
    return counts, found


def largest_per_row(bits, k):
    """The k largest positive entries of every row: counts [rows], indices [entries].

    Of equal entries the first ones stay.
    """
    counts, found = _largest_per_row(bits, k)
    if (counts == k).all():
        return counts, found.reshape(-1)
    return counts, found[np.arange(k) < counts[:, None]]


@njit(cache=True, parallel=True)
def _counts_above(bits, bound):
    counts = np.empty(bits.shape[0], np.int64)
    for row in prange(bits.shape[0]):
        counts[row] = _count_above(bits[row], bound)
    return counts


@njit(cache=True, parallel=True)
def _fill_above(bits, bound, offsets, indices):
    for row in prange(bits.shape[0]):
        line = bits[row]
        kept = np.empty(offsets[row + 1] - offsets[row] + 1, np.int64)
        count = 0
        for n in range(line.shape[0]):
            kept[count] = n
            count += line[n] > bound
        indices[offsets[row] : offsets[row + 1]] = kept[:count]


def above(bits, bound):
    """Entries whose bits are above `bound` (at least 0): counts [rows], indices [entries]."""
    counts = _counts_above(bits, bound)
    offsets = np.zeros(counts.shape[0] + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    indices = np.empty(offsets[-1], np.int64)
    _fill_above(bits, bound, offsets, indices)
    return counts, indices


def above_zero(bits):
    """Positive entries: counts [rows], indices [entries]."""
    return above(bits, 0)


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
    return int(_bound_of_rank(bits.reshape(-1), rank))


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
    """The `total` largest of all entries; of equal ones the first."""
    bound = int(np.partition(values, values.shape[0] - total)[values.shape[0] - total])
    ties = total - int((values > bound).sum())
    return _keep_largest(counts, indices, values, bound, ties)


@njit(cache=True, parallel=True, fastmath=_FAST)
def gather_dot(x, weight, offsets, indices, out):
    """out[entry] = x[row] · weight[index]."""
    d = x.shape[1]
    for row in prange(offsets.shape[0] - 1):
        line = x[row]
        for entry in range(offsets[row], offsets[row + 1]):
            other = weight[indices[entry]]
            total = np.float32(0)
            for n in range(d):
                total += line[n] * other[n]
            out[entry] = total


@njit(cache=True, parallel=True, fastmath=_FAST)
def decode(values, offsets, indices, atoms, out):
    """out[row] = sum of values * atoms[index] over the row's entries."""
    d = atoms.shape[1]
    for row in prange(offsets.shape[0] - 1):
        line = out[row]
        line[:] = 0
        for entry in range(offsets[row], offsets[row + 1]):
            strength = values[entry]
            atom = atoms[indices[entry]]
            for n in range(d):
                line[n] += strength * atom[n]


@njit(cache=True)
def transpose(offsets, indices, width):
    """Counting sort of the entries by latent: offsets [width + 1], rows and order [entries]."""
    starts = np.zeros(width + 1, np.int64)
    for entry in range(indices.shape[0]):
        starts[indices[entry] + 1] += 1
    for latent in range(width):
        starts[latent + 1] += starts[latent]
    place = starts[:-1].copy()
    rows = np.empty(indices.shape[0], np.int64)
    order = np.empty(indices.shape[0], np.int64)
    for row in range(offsets.shape[0] - 1):
        for entry in range(offsets[row], offsets[row + 1]):
            at = place[indices[entry]]
            place[indices[entry]] = at + 1
            rows[at] = row
            order[at] = entry
    return starts, rows, order
