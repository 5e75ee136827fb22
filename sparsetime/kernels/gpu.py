"""The kernels for GPUs: torch multiplies tiles, Triton programs do everything sparse.

No [rows, width] tensor exists at any moment: the product is made in tiles of some rows in one
reused buffer, and each row of a tile is read by one program, after the first time from the
second-level cache. No two programs add to the same number, so every result repeats bit by bit.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import triton
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.kernels import gpu_programs as programs
from sparsetime.kernels import reference
from sparsetime.kernels.adam_config import AdamStep
from sparsetime.kernels.gpu_tiles import Tile, block_of, blocks, launch, offsets_of, tiles_of
from sparsetime.kernels.latent_counts import Statistics
from sparsetime.kernels.row_sparse import Rows
from sparsetime.kernels.selection_rules import (
    AbsTopKRule,
    BatchTopKRule,
    Rule,
    ThresholdRule,
    TopKRule,
)
from sparsetime.support import ByLatent, Support

# Entries of a block, and the most columns of one, that a program holds in registers.
_ENTRIES = 16
_COLUMNS = 128
_BITS_OF_INFINITY = 0x7F800000
# What BatchTopK holds of every entry: its row, its index, its bits.
_HELD = (torch.int64, torch.int64, torch.int32)


def select(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype,
) -> Support:
    """See `reference.select`.

    Waits for the GPU once a tile, to learn the number of entries; BatchTopK more often, where a
    tile calls for a new bound.
    """
    width = weight.shape[0]
    match rule:
        case TopKRule(k) | AbsTopKRule(k):
            magnitude = isinstance(rule, AbsTopKRule)
            tiles = tiles_of(x, weight, bias, dtype, magnitude)
            parts = [_largest_per_row(tile, min(k, width)) for tile in tiles]
        case BatchTopKRule(k):
            tiles = tiles_of(x, weight, bias, dtype)
            parts = [_largest_of_all(tiles, min(k, width) * x.shape[0], x.shape[0], x.device)]
        case ThresholdRule(threshold):
            parts = [_above_zero(tile) for tile in tiles_of(x, weight, bias - threshold, dtype)]
    none = torch.zeros(0, dtype=torch.int64, device=x.device)
    counts = torch.cat([none, *(counts for counts, _ in parts)])
    indices = torch.cat([none, *(indices for _, indices in parts)])
    return Support(offsets_of(counts), indices, width)


def _largest_per_row(tile: Tile, k: int) -> tuple[Tensor, Tensor]:
    bounds, tied, counts = tile.rank_bounds(k)
    return counts, tile.places(bounds, tied, counts)[0]


def _above_zero(tile: Tile) -> tuple[Tensor, Tensor]:
    none = tile.of_rows()
    counts, _ = tile.count_places(0)
    return counts, tile.places(none, none, counts)[0]


def _largest_of_all(
    tiles: Iterator[Tile], total: int, rows: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """The `total` largest positive entries of all tiles: counts [rows], indices [entries].

    A bound rises from tile to tile: once `total` entries are above or on some value, nothing below
    it and nothing that comes later and is on it can stay. So every product is made once, and no
    more than four times `total` entries are ever held.
    """
    bound, first_row = 0, 0
    held = [torch.zeros(0, dtype=dtype, device=device) for dtype in _HELD]
    for tile in tiles:
        counts, on = tile.count_places(bound)
        tied = torch.zeros_like(on)
        if counts.sum() > 2 * total:
            bound = _bound_of_rank(tile, bound, total)
            counts, on = tile.count_places(bound)
            tied = _first(on, total - counts.sum())
            counts += tied
        indices, bits = tile.places(torch.full_like(counts, bound), tied, counts)
        of_tile = torch.arange(first_row, first_row + tile.rows, device=device)
        row = of_tile.repeat_interleave(counts, output_size=indices.shape[0])
        held = [torch.cat(pair) for pair in zip(held, (row, indices, bits), strict=True)]
        if held[0].shape[0] > 2 * total:
            held, bound = _keep_largest(held, total)
        first_row += tile.rows
    if held[0].shape[0] > total:
        held, _ = _keep_largest(held, total)
    row, indices, _ = held
    return _starts(row, rows).diff(), indices


def _bound_of_rank(tile: Tile, low: int, total: int) -> int:
    """A bound that `total` to twice as many entries of a tile are above, found by bisection.

    Where ties leave no such bound: the least one that no more than `total` are above. More than
    `total` have to be above `low`.
    """
    high = _BITS_OF_INFINITY
    while high - low > 1:
        middle = (low + high) // 2
        above = int(tile.count_places(middle)[0].sum())
        if total <= above <= 2 * total:
            return middle
        low, high = (middle, high) if above > total else (low, middle)
    return high


def _first(on: Tensor, room: Tensor) -> Tensor:
    """How many of every row's tied entries stay, where the first `room` of all rows do."""
    before = on.cumsum(0) - on
    return (room - before).clamp(min=0).minimum(on).to(on.dtype)


def _keep_largest(held: list[Tensor], total: int) -> tuple[list[Tensor], int]:
    """The `total` largest of the entries held, of equal ones the first, and their bound."""
    bits = held[-1]
    bound = bits.sort(descending=True).values[total - 1]
    above, on = bits > bound, bits == bound
    keep = above | (on & (on.cumsum(0) <= total - above.sum()))
    return [part[keep] for part in held], int(bound)


def kept(support: Support, values: Float[Tensor, " entries"], rule: Rule) -> Int[Tensor, " kept"]:
    """See `reference.kept`."""
    return reference.kept(support, values, rule)


def mask_of_largest(score: Float[Tensor, "rows some"], k: int) -> Bool[Tensor, "rows some"]:
    """See `reference.mask_of_largest`."""
    return reference.mask_of_largest(score, k)


def gather_dot(
    x: Float[Tensor, "rows d"], weight: Float[Tensor, "width d"], support: Support
) -> Float[Tensor, " entries"]:
    """See `reference.gather_dot`."""
    entries, d = support.indices.shape[0], x.shape[1]
    out = torch.empty(entries, device=x.device)
    launch(
        programs.gather_dot,
        (blocks(entries, _ENTRIES),),
        x.contiguous(),
        weight.contiguous(),
        support.row_of_entry,
        support.indices.contiguous(),
        out,
        entries,
        d,
        ENTRIES=_ENTRIES,
        COLUMNS=block_of(d, _COLUMNS),
    )
    return out


def decode(
    values: Float[Tensor, " entries"],
    offsets: Tensor,
    indices: Tensor,
    atoms: Float[Tensor, "width d"],
) -> Float[Tensor, "rows d"]:
    """See `reference.decode`."""
    rows, d = offsets.shape[0] - 1, atoms.shape[1]
    out = torch.empty(rows, d, device=atoms.device)
    columns = block_of(d, _COLUMNS)
    launch(
        programs.decode,
        (rows, blocks(d, columns)),
        values.contiguous(),
        offsets.contiguous(),
        indices.contiguous(),
        atoms.contiguous(),
        out,
        d,
        ENTRIES=_ENTRIES,
        COLUMNS=columns,
    )
    return out


def outer(
    values: Float[Tensor, " entries"], by_latent: ByLatent, x: Float[Tensor, "rows d"]
) -> Float[Tensor, "width d"]:
    """See `reference.outer`."""
    return decode(values[by_latent.order], by_latent.offsets, by_latent.rows, x)


def transpose(support: Support) -> ByLatent:
    """See `reference.transpose`: a stable sort, of half the bytes that the indices have."""
    latents, order = support.indices.to(torch.int32).sort(stable=True)
    return ByLatent(_starts(latents, support.width), support.row_of_entry[order], order)


def nested_differences(
    values: Float[Tensor, " entries"],
    finer: Support,
    atoms: Float[Tensor, "width d"],
    aim: Float[Tensor, "rows d"],
    groups: int,
) -> Float[Tensor, "rows groups d"]:
    """See `reference.nested_differences`."""
    parts = decode(values, finer.offsets, finer.indices, atoms)
    return parts.reshape(aim.shape[0], groups, aim.shape[1]).cumsum(1) - aim[:, None]


def suffix_sums(
    errors: Float[Tensor, "rows groups d"], weights: Float[Tensor, " groups"]
) -> Float[Tensor, "rows groups d"]:
    """See `reference.suffix_sums`."""
    return reference.suffix_sums(errors, weights)


def statistics(support: Support) -> Statistics:
    """See `statistics.statistics`: sorts, which a GPU is made for."""
    return reference.statistics(support)


def project(gradient: Rows, weight: Float[Tensor, "width d"]) -> None:
    """See `adam.project`."""
    values = gradient.values
    rows, d = values.shape
    places = gradient.places
    if places is None:
        places = torch.arange(rows, device=values.device)
    whole = triton.next_power_of_2(d)
    launch(programs.project, (rows,), values, places, weight.detach(), d, COLUMNS=whole)


def adam(
    weight: Float[Tensor, "width d"],
    first: Float[Tensor, "width d"],
    second: Float[Tensor, "width d"],
    gradient: Rows,
    scale: Float[Tensor, ""],
    step: AdamStep,
    unit_rows: bool,
) -> None:
    """See `adam.adam`."""
    width, d = weight.shape
    rows = torch.arange(gradient.values.shape[0], device=weight.device)
    row_of = rows
    if gradient.places is not None:
        none = torch.full((width,), -1, device=weight.device)
        row_of = none.index_copy_(0, gradient.places, rows)
    launch(
        programs.adam,
        (width,),
        weight.detach(),
        first,
        second,
        gradient.values.contiguous(),
        row_of,
        scale,
        step.first_decay,
        step.second_decay,
        step.size,
        step.second_correction,
        step.epsilon,
        d,
        UNIT_ROWS=unit_rows,
        COLUMNS=triton.next_power_of_2(d),
    )


def _starts(ascending: Tensor, size: int) -> Tensor:
    """Where each of the numbers below `size` begins in a list of them: [size + 1]."""
    numbers = torch.arange(size + 1, dtype=ascending.dtype, device=ascending.device)
    return torch.searchsorted(ascending, numbers)
