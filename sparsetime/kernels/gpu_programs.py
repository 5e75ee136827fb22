"""The Triton programs for GPUs. Each is launched by `gpu`, which says what it is for.

A score is compared by the integer of its float32 bits: positive floats compare like these
integers, and what is not positive is an integer below or on zero. Loads past the last column give
zeros, which nothing keeps.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _bits(tile, bias, row, first, width, MAGNITUDE: tl.constexpr, COLUMNS: tl.constexpr):
    """Bits of `tile + bias` of one row from column `first` on."""
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
    """For one row: the bound that its k largest are above or on, how many of those on it stay,
    and how many stay in all. Where no more than k are positive the bound is zero.
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
        # Exactly k above: nothing is left to find, and the two ends meet here.
        low = tl.where(above > k, middle, tl.where(above == k, middle - 1, low))
        high = tl.where(above > k, high, middle)
    above = _count_above(tile, bias, row, high, width, MAGNITUDE, COLUMNS)
    tl.store(bounds + row, high)
    tl.store(tied + row, tl.where(crowded, k - above, 0))
    tl.store(counts + row, tl.where(crowded, k, count))


@triton.jit(do_not_specialize=["bound"])
def count_places(
    tile, bias, bound, above, on, width, MAGNITUDE: tl.constexpr, COLUMNS: tl.constexpr
):
    """For one row: how many entries are above the bound of all rows, and how many on it."""
    row = tl.program_id(0).to(tl.int64)
    count = tl.zeros((COLUMNS,), tl.int32)
    tied = tl.zeros((COLUMNS,), tl.int32)
    for first in range(0, width, COLUMNS):
        bits = _bits(tile, bias, row, first, width, MAGNITUDE, COLUMNS)
        count += bits > bound
        tied += bits == bound
    tl.store(above + row, tl.sum(count, 0))
    tl.store(on + row, tl.sum(tied, 0))


@triton.jit
def write_places(
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
    """For one row: the columns above its bound, and the first `tied` of those on it, ascending.

    They go to `indices` (and their bits to `scores`) from the row's start on.
    """
    row = tl.program_id(0).to(tl.int64)
    bound = tl.load(bounds + row)
    room = tl.load(tied + row)
    at = tl.load(starts + row)
    for first in range(0, width, COLUMNS):
        bits = _bits(tile, bias, row, first, width, MAGNITUDE, COLUMNS)
        on = (bits == bound).to(tl.int32)
        keep = (bits > bound) | ((on > 0) & (tl.cumsum(on, 0) <= room))
        kept = keep.to(tl.int32)
        place = at + tl.cumsum(kept, 0) - 1
        columns = first + tl.arange(0, COLUMNS)
        tl.store(indices + place, columns.to(tl.int64), mask=keep)
        tl.store(scores + place, bits, mask=keep)
        at += tl.sum(kept, 0)
        room -= tl.sum(on, 0)


@triton.jit
def gather_dot(
    x, weight, rows, indices, out, entries, d, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr
):
    """For a block of entries: the dot product of the row and the latent of each."""
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
    """For one row and a block of columns: the sum of `value * atom` over the row's entries."""
    row = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = columns < d
    stop = tl.load(offsets + row + 1)
    total = tl.zeros((COLUMNS,), tl.float32)
    for first in range(tl.load(offsets + row), stop, ENTRIES):
        at = first + tl.arange(0, ENTRIES)
        real = at < stop
        strength = tl.load(values + at, mask=real, other=0.0).to(tl.float32)
        lines = atoms + tl.load(indices + at, mask=real, other=0)[:, None] * d
        both = real[:, None] & inside[None, :]
        part = tl.load(lines + columns[None, :], mask=both, other=0.0).to(tl.float32)
        total += tl.sum(strength[:, None] * part, 0)
    tl.store(out + row * d + columns, total, mask=inside)


@triton.jit
def project(values, places, weight, d, COLUMNS: tl.constexpr):
    """Take the part along its weight, which has length one, out of one row, in place."""
    row = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, COLUMNS)
    inside = columns < d
    line = tl.load(values + row * d + columns, mask=inside, other=0.0)
    own = tl.load(weight + tl.load(places + row) * d + columns, mask=inside, other=0.0)
    tl.store(values + row * d + columns, line - tl.sum(line * own, 0) * own, mask=inside)


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
    """One step of Adam on one row; its gradient is row `row_of[latent]` of `values`, or zero."""
    latent = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, COLUMNS)
    inside = columns < d
    places = latent * d + columns
    row = tl.load(row_of + latent)
    slope = tl.load(values + row * d + columns, mask=inside & (row >= 0), other=0.0)
    slope *= tl.load(scale)
    mean = tl.load(first + places, mask=inside, other=0.0) * first_decay
    mean += (1 - first_decay) * slope
    square = tl.load(second + places, mask=inside, other=0.0) * second_decay
    square += (1 - second_decay) * slope * slope
    own = tl.load(weight + places, mask=inside, other=0.0)
    own -= size * mean / (tl.sqrt(square) / correction + epsilon)
    if UNIT_ROWS:
        length = tl.sqrt(tl.sum(tl.where(inside, own * own, 0.0), 0))
        own /= tl.maximum(length, 1e-8)
    tl.store(first + places, mean, mask=inside)
    tl.store(second + places, square, mask=inside)
    tl.store(weight + places, own, mask=inside)
