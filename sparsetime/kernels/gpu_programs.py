"""Triton programs of the GPU kernels; `gpu` launches them.

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


@triton.jit
def gather_dot(
    x, weight, rows, indices, out, entries, d, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr
):
    """For a block of entries: the dot products of their rows and latents."""
    at = tl.program_id(0).to(tl.int64) * ENTRIES + tl.arange(0, ENTRIES)
    real = at < entries
    lines = x + tl.load(rows + at, mask=real, other=0)[:, None] * d
    others = weight + tl.load(indices + at, mask=real, other=0)[:, None] * d
    total = tl.zeros((ENTRIES, COLUMNS), tl.float32)
    for first in range(0, d, COLUMNS):
        columns = (first + tl.arange(0, COLUMNS))[None, :]
        inside = real[:, None] & (columns < d)
        line = tl.load(lines + columns, mask=inside, other=0.0).to(tl.float32)
        total += line * tl.load(others + columns, mask=inside, other=0.0).to(tl.float32)
    tl.store(out + at, tl.sum(total, 1), mask=real)


@triton.jit
def decode(values, offsets, indices, atoms, out, d, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr):
    """For one row and a block of columns: the sum of `value * atom` over the entries of the row."""
    row = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = columns < d
    stop = tl.load(offsets + row + 1)
    total = tl.zeros((COLUMNS,), tl.float32)
    for first in range(tl.load(offsets + row), stop, ENTRIES):
        at = first + tl.arange(0, ENTRIES)
        real = at < stop
        value = tl.load(values + at, mask=real, other=0.0).to(tl.float32)
        lines = atoms + tl.load(indices + at, mask=real, other=0)[:, None] * d
        both = real[:, None] & inside[None, :]
        part = tl.load(lines + columns[None, :], mask=both, other=0.0).to(tl.float32)
        total += tl.sum(value[:, None] * part, 0)
    tl.store(out + row * d + columns, total, mask=inside)


@triton.jit
def project(values, indices, weight, d, COLUMNS: tl.constexpr):
    """Remove the component of one row along its unit-norm weight row, in place."""
    row = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, COLUMNS)
    inside = columns < d
    line = tl.load(values + row * d + columns, mask=inside, other=0.0)
    atom = tl.load(weight + tl.load(indices + row) * d + columns, mask=inside, other=0.0)
    tl.store(values + row * d + columns, line - tl.sum(line * atom, 0) * atom, mask=inside)


@triton.jit
def adam(
    weight,
    first,
    second,
    values,
    row_of,
    scale,
    first_decay,
    second_decay,
    size,
    correction,
    epsilon,
    d,
    UNIT_ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Adam step on one row; its gradient is row `row_of[latent]` of `values`, or zero for -1."""
    latent = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, COLUMNS)
    inside = columns < d
    addresses = latent * d + columns
    row = tl.load(row_of + latent)
    slope = tl.load(values + row * d + columns, mask=inside & (row >= 0), other=0.0)
    slope *= tl.load(scale)
    mean = tl.load(first + addresses, mask=inside, other=0.0) * first_decay
    mean += (1 - first_decay) * slope
    square = tl.load(second + addresses, mask=inside, other=0.0) * second_decay
    square += (1 - second_decay) * slope * slope
    atom = tl.load(weight + addresses, mask=inside, other=0.0)
    atom -= size * mean / (tl.sqrt(square) / correction + epsilon)
    if UNIT_ROWS:
        length = tl.sqrt(tl.sum(tl.where(inside, atom * atom, 0.0), 0))
        atom /= tl.maximum(length, 1e-8)
    tl.store(first + addresses, mean, mask=inside)
    tl.store(second + addresses, square, mask=inside)
    tl.store(weight + addresses, atom, mask=inside)
