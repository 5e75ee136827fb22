"""Numba loops of sparse attention for narrow tiles: decoding steps, patterns by single query."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_FAST = {"contract", "reassoc", "nsz", "arcp"}
# Keys scored at once: their scores and keys stay in the first-level cache.
_BLOCK = 64
_LOG2_E = np.float32(1.4426950408889634)


@njit(cache=True)
def _exp_in_place(x, bits, count):
    """Exp of values that are zero or less, by a polynomial of degree 6 and the exponent's bits.

    x is overwritten; bits is int32 [count]. The relative error is below 1e-6. numpy's exp is a call
    for every value; these loops are vectorised.
    """
    whole = bits.view(np.float32)
    for n in range(count):
        scaled = max(x[n] * _LOG2_E, np.float32(-126.0))
        nearest = np.floor(scaled + np.float32(0.5))
        f = scaled - nearest
        x[n] = np.float32(1.0) + f * (
            np.float32(0.6931471806)
            + f
            * (
                np.float32(0.2402265070)
                + f
                * (
                    np.float32(0.0555041087)
                    + f
                    * (
                        np.float32(0.0096181291)
                        + f * (np.float32(0.0013333558) + f * np.float32(0.0001540353))
                    )
                )
            )
        )
        bits[n] = (np.int32(nearest) + np.int32(127)) << np.int32(23)
    for n in range(count):
        x[n] *= whole[n]


@njit(cache=True, parallel=True, fastmath=_FAST)
def attend_rows(
    q, k, v, offsets, indices, is_full, query_bounds, key_bounds, first, last, at, scale, out, lse
):
    """Attention of every query over the keys of its tile; see `kernels.attend`.

    Each query keeps a running maximum, so that its scores are never stored.
    """
    batch, heads, _, d = q.shape
    key_heads, size = k.shape[1], v.shape[3]
    units = query_bounds.shape[0] - 1
    pattern_heads = (offsets.shape[0] - 1) // (batch * units)
    group = heads // pattern_heads
    for row in prange(offsets.shape[0] - 1):
        tile = row % units
        place = row // units
        b, pattern_head = place // pattern_heads, place % pattern_heads
        key_head = pattern_head * key_heads // pattern_heads
        bq, hq = b % first.shape[0], pattern_head % first.shape[1]
        bk, hk = b % at.shape[0], pattern_head % at.shape[1]
        scores = np.empty(_BLOCK, np.float32)
        bits = np.empty(_BLOCK, np.int32)
        listed = np.empty(_BLOCK, np.int64)
        total = np.empty(size, np.float32)
        for member in range(group):
            head = pattern_head * group + member
            for query in range(query_bounds[tile], query_bounds[tile + 1]):
                one = q[b, head, query]
                low, high = first[bq, hq, query], last[bq, hq, query]
                largest, weight = np.float32(-np.inf), np.float32(0.0)
                total[:] = 0
                filled = 0
                entry, stop = offsets[row], offsets[row + 1]
                key, end = np.int64(0), np.int64(0)
                while True:
                    # List the next keys, across units; a block is scored once it is full.
                    while filled < _BLOCK and (key < end or entry < stop):
                        if key == end:
                            unit = indices[entry]
                            key, end = key_bounds[unit], key_bounds[unit + 1]
                            whole = is_full[entry]
                            entry += 1
                        if whole or low <= at[bk, hk, key] <= high:
                            listed[filled] = key
                            filled += 1
                        key += 1
                    if filled == 0:
                        break
                    top = largest
                    for n in range(filled):
                        line = k[b, key_head, listed[n]]
                        dot = np.float32(0.0)
                        for c in range(d):
                            dot += one[c] * line[c]
                        scores[n] = dot * scale
                        top = max(top, scores[n])
                    if top > largest:
                        shrink = np.float32(np.exp(largest - top))
                        weight *= shrink
                        for c in range(size):
                            total[c] *= shrink
                        largest = top
                    for n in range(filled):
                        scores[n] -= largest
                    _exp_in_place(scores, bits, filled)
                    for n in range(filled):
                        weight += scores[n]
                    for n in range(filled):
                        line = v[b, key_head, listed[n]]
                        share = scores[n]
                        for c in range(size):
                            total[c] += share * line[c]
                    filled = 0
                if weight > 0:
                    lse[b, head, query] = largest + np.log(weight)
                    for c in range(size):
                        out[b, head, query, c] = total[c] / weight
                else:
                    lse[b, head, query] = -np.inf
                    for c in range(size):
                        out[b, head, query, c] = 0
