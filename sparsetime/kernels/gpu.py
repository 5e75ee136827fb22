"""GPU kernels: torch multiplies tiles, Triton programs do the sparse operations.

No [rows, width] tensor is ever allocated: the product is computed in tiles of some rows in one
reused buffer. One program reads each row of a tile, after the first time from the second-level
cache. No two programs add to the same number, so results are deterministic.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import triton
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.errors import ConfigError
from sparsetime.kernels import gpu_programs as programs
from sparsetime.kernels import reference
from sparsetime.kernels.adam_config import AdamStep
from sparsetime.kernels.gpu_tiles import Tile, block_of, blocks, launch, offsets_of, tiles_of
from sparsetime.kernels.latent_counts import LatentCounts
from sparsetime.kernels.row_sparse import GradientRows
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
# Row, index and bits of an entry: the tensors that the selection of a batch keeps.
_ENTRY_DTYPES = (torch.int64, torch.int64, torch.int32)


def select(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype,
) -> Support:
    """See `reference.select`.

    Synchronises with the GPU once a tile, for the number of entries; a selection over the batch
    does so more often, for every new bound.

    Errors: ConfigError for a rule without a GPU program.
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
        case _:
            raise ConfigError(
                f"got the rule {type(rule).__name__}, expected TopKRule, AbsTopKRule, "
                "BatchTopKRule or ThresholdRule on a GPU; call kernels.select or "
                "kernels.select_exactly, which reduce the other rules to these"
            )
    none = torch.zeros(0, dtype=torch.int64, device=x.device)
    counts = torch.cat([none, *(counts for counts, _ in parts)])
    indices = torch.cat([none, *(indices for _, indices in parts)])
    return Support(offsets_of(counts), indices, width)


def _largest_per_row(tile: Tile, k: int) -> tuple[Tensor, Tensor]:
    bounds, tied, counts = tile.rank_bounds(k)
    return counts, tile.entries(bounds, tied, counts)[0]


def _above_zero(tile: Tile) -> tuple[Tensor, Tensor]:
    zeros = tile.zeros_per_row()
    counts, _ = tile.count_entries(0)
    return counts, tile.entries(zeros, zeros, counts)[0]


def _largest_of_all(
    tiles: Iterator[Tile], total: int, rows: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """The `total` largest positive entries of all tiles: counts [rows], indices [entries].

    The bound rises from tile to tile: once `total` entries are at or above some value, no entry
    below it and no later entry equal to it can be kept. So every product is computed once, and at
    most four times `total` entries are stored.
    """
    bound, first_row = 0, 0
    entries = [torch.zeros(0, dtype=dtype, device=device) for dtype in _ENTRY_DTYPES]
    for tile in tiles:
        counts, equal = tile.count_entries(bound)
        tied = torch.zeros_like(equal)
        if counts.sum() > 2 * total:
            bound = _bound_of_rank(tile, bound, total)
            counts, equal = tile.count_entries(bound)
            tied = _ties_kept(equal, total - counts.sum())
            counts += tied
        indices, bits = tile.entries(torch.full_like(counts, bound), tied, counts)
        of_tile = torch.arange(first_row, first_row + tile.rows, device=device)
        row = of_tile.repeat_interleave(counts, output_size=indices.shape[0])
        new = (row, indices, bits)
        entries = [torch.cat(pair) for pair in zip(entries, new, strict=True)]
        if entries[0].shape[0] > 2 * total:
            entries, bound = _keep_largest(entries, total)
        first_row += tile.rows
    if entries[0].shape[0] > total:
        entries, _ = _keep_largest(entries, total)
    row, indices, _ = entries
    return _starts(row, rows).diff(), indices


def _bound_of_rank(tile: Tile, low: int, total: int) -> int:
    """A bound with `total` to twice as many entries of a tile above it, by bisection.

    Where ties allow no such bound: the least one with at most `total` entries above it. More than
    `total` entries must be above `low`.
    """
    high = _BITS_OF_INFINITY
    while high - low > 1:
        middle = (low + high) // 2
        above = int(tile.count_entries(middle)[0].sum())
        if total <= above <= 2 * total:
            return middle
        low, high = (middle, high) if above > total else (low, middle)
    return high


def _ties_kept(equal: Tensor, room: Tensor) -> Tensor:
    """Number of tied entries kept in every row, where the first `room` of all rows are kept."""
    before = equal.cumsum(0) - equal
    return (room - before).clamp(min=0).minimum(equal).to(equal.dtype)


def _keep_largest(entries: list[Tensor], total: int) -> tuple[list[Tensor], int]:
    """The `total` largest entries, of equal ones the first, and their bound."""
    bits = entries[-1]
    bound = bits.sort(descending=True).values[total - 1]
    above, equal = bits > bound, bits == bound
    keep = above | (equal & (equal.cumsum(0) <= total - above.sum()))
    return [part[keep] for part in entries], int(bound)


def kept_entries(
    support: Support, values: Float[Tensor, " entries"], rule: Rule
) -> Int[Tensor, " kept"]:
    """See `reference.kept_entries`."""
    return reference.kept_entries(support, values, rule)


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
    """See `reference.transpose`: a stable sort of int32, half the bytes of the indices."""
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


def count_latents(support: Support) -> LatentCounts:
    """See `kernels.count_latents`: by sorts, which are fast on a GPU."""
    return reference.count_latents(support)


def project(gradient: GradientRows, weight: Float[Tensor, "width d"]) -> None:
    """See `adam.project`."""
    values = gradient.values
    rows, d = values.shape
    indices = gradient.indices
    if indices is None:
        indices = torch.arange(rows, device=values.device)
    columns = triton.next_power_of_2(d)
    launch(programs.project, (rows,), values, indices, weight.detach(), d, COLUMNS=columns)


def adam(
    weight: Float[Tensor, "width d"],
    first: Float[Tensor, "width d"],
    second: Float[Tensor, "width d"],
    gradient: GradientRows,
    scale: Float[Tensor, ""],
    step: AdamStep,
    unit_rows: bool,
) -> None:
    """See `adam.adam`."""
    width, d = weight.shape
    rows = torch.arange(gradient.values.shape[0], device=weight.device)
    row_of = rows
    if gradient.indices is not None:
        no_row = torch.full((width,), -1, device=weight.device)
        row_of = no_row.index_copy_(0, gradient.indices, rows)
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
    """Start of each number below `size` in a sorted list of numbers: [size + 1]."""
    numbers = torch.arange(size + 1, dtype=ascending.dtype, device=ascending.device)
    return torch.searchsorted(ascending, numbers)
