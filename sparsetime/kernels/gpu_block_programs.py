"""Triton programs that select entries of a product by the largest entries of its blocks of columns.

One program reads the product once and keeps the maximum of every block of columns of a row. The k
largest entries of a row are in the k blocks of largest maximum, of equal ones the first: every
other block has k entries before all of its own. So all later programs read few blocks.

Scores are compared as integers in the order of the floats: the bits of a positive float, and for
a negative one its bits with all but the sign inverted. Columns past the last are `_LEAST`.
"""

from __future__ import annotations

import triton
import triton.language as tl

_LEAST = tl.constexpr(-2147483648)


@triton.jit
def _ordered(score, inside, MAGNITUDE: tl.constexpr):
    """Integers in the order of the scores, or of their magnitudes."""
    bits = score.to(tl.int32, bitcast=True)
    bits = bits & 0x7FFFFFFF if MAGNITUDE else bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return tl.where(inside, bits, _LEAST)


@triton.jit
def _in_blocks(
    tile,
    bias,
    row,
    block,
    real,
    width,
    MAGNITUDE: tl.constexpr,
    GROUP: tl.constexpr,
    BLOCKS: tl.constexpr,
):
    """Ordered scores and columns of some blocks of a row: [BLOCKS * GROUP], columns ascending."""
    columns = block[:, None] * GROUP + tl.arange(0, GROUP)[None, :]
    inside = real[:, None] & (columns < width)
    score = tl.load(tile + row * width + columns, mask=inside, other=0.0).to(tl.float32)
    score += tl.load(bias + columns, mask=inside, other=0.0)
    ordered = _ordered(score, inside, MAGNITUDE)
    return tl.reshape(ordered, (BLOCKS * GROUP,)), tl.reshape(columns, (BLOCKS * GROUP,))


@triton.jit
def _largest(ordered, k):
    """Mask of the k largest positive scores, of equal ones the first, and a bound of them.

    Where more than k are positive, at most k are above the bound, and k are not below it.
    """
    low = tl.sum(ordered * 0, 0)
    crowded = tl.sum((ordered > 0).to(tl.int32), 0) > k
    high = tl.where(crowded, tl.max(ordered, 0), low)
    # Invariant: more than k scores are above `low`, at most k are above `high`.
    while high - low > 1:
        middle = low + (high - low) // 2
        above = tl.sum((ordered > middle).to(tl.int32), 0)
        # With exactly k above, the search is over: this sets both ends to meet here.
        low = tl.where(above > k, middle, tl.where(above == k, middle - 1, low))
        high = tl.where(above > k, high, middle)
    above = tl.sum((ordered > high).to(tl.int32), 0)
    room = tl.where(crowded, k - above, 0)
    equal = (ordered == high).to(tl.int32)
    keep = (ordered > high) | ((equal > 0) & (tl.cumsum(equal, 0) <= room))
    return keep, high


@triton.jit
def block_maxima(
    tile,
    bias,
    maxima,
    groups,
    width,
    MAGNITUDE: tl.constexpr,
    GROUP: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """For one row and COLUMNS columns: the largest ordered score of every block of GROUP."""
    row = tl.program_id(0).to(tl.int64)
    first = tl.program_id(1) * COLUMNS
    columns = first + tl.arange(0, COLUMNS)
    inside = columns < width
    score = tl.load(tile + row * width + columns, mask=inside, other=0.0).to(tl.float32)
    score += tl.load(bias + columns, mask=inside, other=0.0)
    ordered = _ordered(score, inside, MAGNITUDE)
    largest = tl.max(tl.reshape(ordered, (COLUMNS // GROUP, GROUP)), 1)
    group = first // GROUP + tl.arange(0, COLUMNS // GROUP)
    tl.store(maxima + row * groups + group, largest, mask=group < groups)


@triton.jit
def largest_blocks(maxima, blocks, counts, k, groups, COLUMNS: tl.constexpr):
    """For one row: its k blocks of largest maximum, ascending, and how many there are."""
    row = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, COLUMNS)
    ordered = tl.load(maxima + row * groups + columns, mask=columns < groups, other=_LEAST)
    keep, _ = _largest(ordered, k)
    kept = keep.to(tl.int32)
    tl.store(blocks + row * k + tl.cumsum(kept, 0) - 1, columns, mask=keep)
    tl.store(counts + row, tl.sum(kept, 0))


@triton.jit
def largest_entries(
    tile,
    bias,
    blocks,
    block_counts,
    indices,
    counts,
    bounds,
    k,
    width,
    MAGNITUDE: tl.constexpr,
    GROUP: tl.constexpr,
    BLOCKS: tl.constexpr,
):
    """For one row: the columns of its k largest entries, which `largest_blocks` has narrowed."""
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCKS)
    real = at < tl.load(block_counts + row)
    block = tl.load(blocks + row * k + at, mask=real, other=0)
    ordered, columns = _in_blocks(tile, bias, row, block, real, width, MAGNITUDE, GROUP, BLOCKS)
    keep, bound = _largest(ordered, k)
    kept = keep.to(tl.int32)
    tl.store(indices + row * k + tl.cumsum(kept, 0) - 1, columns.to(tl.int64), mask=keep)
    tl.store(counts + row, tl.sum(kept, 0))
    tl.store(bounds + row, bound)


@triton.jit
def blocks_above(maxima, bounds, blocks, counts, groups, COLUMNS: tl.constexpr):
    """For one row: its blocks with a maximum above the row's bound, ascending, and their number."""
    row = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, COLUMNS)
    ordered = tl.load(maxima + row * groups + columns, mask=columns < groups, other=_LEAST)
    keep = ordered > tl.load(bounds + row)
    kept = keep.to(tl.int32)
    tl.store(blocks + row * groups + tl.cumsum(kept, 0) - 1, columns, mask=keep)
    tl.store(counts + row, tl.sum(kept, 0))


@triton.jit
def count_above(
    tile,
    bias,
    bounds,
    blocks,
    block_counts,
    counts,
    groups,
    width,
    MAGNITUDE: tl.constexpr,
    GROUP: tl.constexpr,
    BLOCKS: tl.constexpr,
):
    """For one row: the number of entries above its bound, in the blocks that hold any."""
    row = tl.program_id(0).to(tl.int64)
    bound = tl.load(bounds + row)
    stop = tl.load(block_counts + row)
    count = tl.zeros((BLOCKS * GROUP,), tl.int32)
    for first in range(0, stop, BLOCKS):
        at = first + tl.arange(0, BLOCKS)
        block = tl.load(blocks + row * groups + at, mask=at < stop, other=0)
        real = at < stop
        ordered, _ = _in_blocks(tile, bias, row, block, real, width, MAGNITUDE, GROUP, BLOCKS)
        count += (ordered > bound).to(tl.int32)
    tl.store(counts + row, tl.sum(count, 0))


@triton.jit
def write_above(
    tile,
    bias,
    bounds,
    blocks,
    block_counts,
    starts,
    indices,
    scores,
    groups,
    width,
    MAGNITUDE: tl.constexpr,
    GROUP: tl.constexpr,
    BLOCKS: tl.constexpr,
):
    """For one row: the columns and ordered scores above its bound, at the row's start."""
    row = tl.program_id(0).to(tl.int64)
    bound = tl.load(bounds + row)
    stop = tl.load(block_counts + row)
    start = tl.load(starts + row)
    for first in range(0, stop, BLOCKS):
        at = first + tl.arange(0, BLOCKS)
        block = tl.load(blocks + row * groups + at, mask=at < stop, other=0)
        real = at < stop
        ordered, columns = _in_blocks(tile, bias, row, block, real, width, MAGNITUDE, GROUP, BLOCKS)
        keep = ordered > bound
        kept = keep.to(tl.int32)
        # The cumulative sum gives every kept column its own address: no atomic counter.
        position = start + tl.cumsum(kept, 0) - 1
        tl.store(indices + position, columns.to(tl.int64), mask=keep)
        tl.store(scores + position, ordered, mask=keep)
        start += tl.sum(kept, 0)
