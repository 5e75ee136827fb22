"""Numba loops of search in a line of integers: counts, bounds of a rank, indices."""

from __future__ import annotations

import numpy as np
from numba import njit

# Entries that are counted together; only blocks with a kept entry are scanned one by one.
_BLOCK = 64
# A counter of the same size as the entries keeps the loop vectorised; int16 limits its range.
_COUNTED_AT_ONCE = 1 << 14


@njit(cache=True)
def count_above(line, bound):
    """Number of entries above the bound."""
    total = np.int64(0)
    for start in range(0, line.shape[0], _COUNTED_AT_ONCE):
        part = line[start : start + _COUNTED_AT_ONCE]
        count = np.int16(0)
        for n in range(part.shape[0]):
            count = np.int16(count + np.int16(part[n] > bound))
        total += count
    return total


@njit(cache=True)
def bound_of_rank(line, k, slack=0):
    """The least bound >= 0 with at most k entries above it, in the dtype of the entries.

    slack: the search ends at any bound with at least k - slack entries above it.

    By bisection over the bits: a counting pass over cached entries is vectorised, in contrast to a
    heap or a partial sort.
    """
    zero = line.dtype.type(0)
    if count_above(line, zero) <= k:
        return zero
    high = zero
    for n in range(line.shape[0]):
        value = line[n]
        high = value if value > high else high
    low = zero
    # Invariant: more than k entries are above `low`, at most k are above `high`.
    while np.int64(high) - np.int64(low) > 1:
        middle = line.dtype.type(np.int64(low) + (np.int64(high) - np.int64(low)) // 2)
        count = count_above(line, middle)
        if count > k:
            low = middle
        else:
            high = middle
            if count >= k - slack:
                break
    return high


@njit(cache=True)
def write_indices_above(line, bound, indices):
    """Write the ascending indices of the entries above the bound; return their number.

    indices: scratch of one element more than the line, which the unconditional writes need.
    """
    total = 0
    blocks = line.shape[0] // _BLOCK
    for block in range(blocks):
        part = line[block * _BLOCK : (block + 1) * _BLOCK]
        count = np.int16(0)
        for n in range(_BLOCK):
            count = np.int16(count + np.int16(part[n] > bound))
        if count > 0:
            # Every index is written and only kept ones advance: no branch to mispredict.
            for n in range(_BLOCK):
                indices[total] = block * _BLOCK + n
                total += part[n] > bound
    for n in range(blocks * _BLOCK, line.shape[0]):
        indices[total] = n
        total += line[n] > bound
    return total


@njit(cache=True)
def likely_bound(line, k, maxima):
    """A bound >= 0 with at least k entries above it, where as many are positive, and few more.

    The k-th largest of the maxima of interleaved strides is such a bound, and one vectorised pass
    computes these maxima. Without maxima, the whole line is searched.
    """
    strides = maxima.shape[0]
    if strides == 0:
        bound = bound_of_rank(line, k)
    else:
        for n in range(strides):
            maxima[n] = line[n]
        for start in range(strides, line.shape[0] - strides + 1, strides):
            part = line[start : start + strides]
            for n in range(strides):
                value, largest = part[n], maxima[n]
                maxima[n] = value if value > largest else largest
        bound = bound_of_rank(maxima, k)
    # At most k are above the bound; with those equal to it they are at least k.
    return line.dtype.type(bound - 1) if bound > 0 else bound
