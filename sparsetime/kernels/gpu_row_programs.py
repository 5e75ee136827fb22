"""Triton programs that select entries of a product by passes over whole rows.

`gpu_tiles` launches them where k is too large for the programs on blocks.

Scores are compared by the integers of their float32 bits: positive floats have the order of these
integers, and the others are integers of at most zero. Loads past the last column give zeros, which
no rule keeps.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _bits(tile, bias, row, first, width, MAGNITUDE: tl.constexpr, COLUMNS: tl.constexpr):
    """Bits of `tile + bias` of one row in the columns that start at `first`."""
    columns = first + tl.arange(0, COLUMNS)
    inside = columns < width
    score = tl.load(tile + row * width + columns, mask=inside, other=0.0).to(tl.float32)
    score += tl.load(bias + columns, mask=inside, other=0.0)
    bits = score.to(tl.int32, bitcast=True)
    if MAGNITUDE:
        bits = bits & 0x7FFFFFFF
    return bits


@triton.jit
def _count_above(tile, bias, row, bound, width, MAGNITUDE: tl.constexpr, COLUMNS: tl.constexpr):
    count = tl.zeros((COLUMNS,), tl.int32)
    for first in range(0, width, COLUMNS):
        count += _bits(tile, bias, row, first, width, MAGNITUDE, COLUMNS) > bound
    return tl.sum(count, 0)


@triton.jit
def rank_bounds(
    tile,
    bias,
    k,
    bounds,
    tied,
    counts,
    width,
    MAGNITUDE: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """For one row: the bound of its k largest entries, the number of kept entries equal to it, and
    the number of all kept entries. Where at most k entries are positive the bound is zero.
    """
    row = tl.program_id(0).to(tl.int64)
    top = tl.zeros((COLUMNS,), tl.int32)
    positive = tl.zeros((COLUMNS,), tl.int32)
    for first in range(0, width, COLUMNS):
        bits = _bits(tile, bias, row, first, width, MAGNITUDE, COLUMNS)
        top = tl.maximum(top, bits)
        positive += bits > 0
    count = tl.sum(positive, 0)
    crowded = count > k
    low = count * 0
    high = tl.where(crowded, tl.max(top, 0), 0)
    # Invariant: more than k entries are above `low`, at most k are above `high`.
    while high - low > 1:
        middle = low + (high - low) // 2
        above = _count_above(tile, bias, row, middle, width, MAGNITUDE, COLUMNS)
        # With exactly k above, the search is over: this sets both ends to meet here.
        low = tl.where(above > k, middle, tl.where(above == k, middle - 1, low))
        high = tl.where(above > k, high, middle)
    above = _count_above(tile, bias, row, high, width, MAGNITUDE, COLUMNS)
    tl.store(bounds + row, high)
    tl.store(tied + row, tl.where(crowded, k - above, 0))
    tl.store(counts + row, tl.where(crowded, k, count))


@triton.jit(do_not_specialize=["bound"])
def count_entries(
    tile, bias, bound, above, equal, width, MAGNITUDE: tl.constexpr, COLUMNS: tl.constexpr
):
    """For one row: the number of entries above a bound common to all rows, and equal to it."""
    row = tl.program_id(0).to(tl.int64)
    count = tl.zeros((COLUMNS,), tl.int32)
    tied = tl.zeros((COLUMNS,), tl.int32)
    for first in range(0, width, COLUMNS):
        bits = _bits(tile, bias, row, first, width, MAGNITUDE, COLUMNS)
        count += bits > bound
        tied += bits == bound
    tl.store(above + row, tl.sum(count, 0))
    tl.store(equal + row, tl.sum(tied, 0))


@triton.jit
def write_entries(
    tile,
    bias,
    bounds,
    tied,
    starts,
    indices,
    scores,
    width,
    MAGNITUDE: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """For one row: the columns above its bound, and the first `tied` of those equal to it.

    They are written in ascending order to `indices` (their bits to `scores`) at the row's start.
    """
    row = tl.program_id(0).to(tl.int64)
    bound = tl.load(bounds + row)
    room = tl.load(tied + row)
    at = tl.load(starts + row)
    for first in range(0, width, COLUMNS):
        bits = _bits(tile, bias, row, first, width, MAGNITUDE, COLUMNS)
        equal = (bits == bound).to(tl.int32)
        keep = (bits > bound) | ((equal > 0) & (tl.cumsum(equal, 0) <= room))
        kept = keep.to(tl.int32)
        # The cumulative sum gives every kept column its own address: no atomic counter.
        position = at + tl.cumsum(kept, 0) - 1
        columns = first + tl.arange(0, COLUMNS)
        tl.store(indices + position, columns.to(tl.int64), mask=keep)
        tl.store(scores + position, bits, mask=keep)
        at += tl.sum(kept, 0)
        room -= tl.sum(equal, 0)
