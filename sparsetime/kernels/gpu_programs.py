"""Triton programs of the GPU kernels' sums over codes and of Adam; `gpu` launches them."""

from __future__ import annotations

import triton
import triton.language as tl


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
def _bits_of_run(scores, first, stop, COLUMNS: tl.constexpr):
    at = first + tl.arange(0, COLUMNS)
    return tl.load(scores + at, mask=at < stop, other=0.0).to(tl.int32, bitcast=True)


@triton.jit
def _count_of_run(scores, start, stop, bound, COLUMNS: tl.constexpr):
    count = tl.zeros((COLUMNS,), tl.int32)
    for first in range(start, stop, COLUMNS):
        count += (_bits_of_run(scores, first, stop, COLUMNS) > bound).to(tl.int32)
    return tl.sum(count, 0)


@triton.jit
def largest_of_runs(scores, offsets, k_of_run, keep, COLUMNS: tl.constexpr):
    """Mask of the k largest positive scores between two offsets, of equal ones the first.

    Positive floats have the order of their bits, and the bits of the others are at most zero.
    """
    run = tl.program_id(0).to(tl.int64)
    start, stop = tl.load(offsets + run), tl.load(offsets + run + 1)
    k = tl.load(k_of_run + run).to(tl.int32)
    top = tl.zeros((COLUMNS,), tl.int32)
    for first in range(start, stop, COLUMNS):
        top = tl.maximum(top, _bits_of_run(scores, first, stop, COLUMNS))
    low = k * 0
    crowded = _count_of_run(scores, start, stop, low, COLUMNS) > k
    high = tl.where(crowded, tl.max(top, 0), low)
    # Invariant: more than k scores are above `low`, at most k are above `high`.
    while high - low > 1:
        middle = low + (high - low) // 2
        above = _count_of_run(scores, start, stop, middle, COLUMNS)
        low = tl.where(above > k, middle, tl.where(above == k, middle - 1, low))
        high = tl.where(above > k, high, middle)
    room = tl.where(crowded, k - _count_of_run(scores, start, stop, high, COLUMNS), 0)
    for first in range(start, stop, COLUMNS):
        bits = _bits_of_run(scores, first, stop, COLUMNS)
        equal = (bits == high).to(tl.int32)
        kept = (bits > high) | ((equal > 0) & (tl.cumsum(equal, 0) <= room))
        at = first + tl.arange(0, COLUMNS)
        tl.store(keep + at, kept.to(tl.int8), mask=at < stop)
        room -= tl.sum(equal, 0)


@triton.jit
def sums_of_runs(values, offsets, out, ENTRIES: tl.constexpr):
    """The sum of the values between two offsets."""
    run = tl.program_id(0).to(tl.int64)
    stop = tl.load(offsets + run + 1)
    total = tl.zeros((ENTRIES,), tl.float32)
    for first in range(tl.load(offsets + run), stop, ENTRIES):
        at = first + tl.arange(0, ENTRIES)
        total += tl.load(values + at, mask=at < stop, other=0.0)
    tl.store(out + run, tl.sum(total, 0))


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
    size_of_all,
    UNIT_ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Adam step on one row; its gradient is the same row of `values`.

    With `row_of`, which may be None, it is row `row_of[latent]`, or zero for -1.
    """
    latent = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, COLUMNS)
    addresses = latent * d + columns
    inside = (columns < d) & (addresses < size_of_all)
    row = latent
    if row_of is not None:
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
