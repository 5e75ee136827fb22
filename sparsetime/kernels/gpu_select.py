"""Selection of entries of a product by the gpu kernels, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import ConfigError
from sparsetime.kernels.gpu_tiles import Tile, bits_of, offsets_of, tiles_of
from sparsetime.kernels.selection_rules import (
    AbsTopKRule,
    BatchTopKRule,
    NearTopKRule,
    Rule,
    ThresholdRule,
    TopKRule,
)
from sparsetime.support import Support

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

    Synchronises with the GPU once for the k largest of every row, for their number; once a tile
    by a threshold; and twice a tile for the largest of a batch, whose bound follows the tiles.

    Errors: ConfigError for a rule without a GPU program.
    """
    rows, width = x.shape[0], weight.shape[0]
    match rule:
        case TopKRule(k) | AbsTopKRule(k):
            magnitude = isinstance(rule, AbsTopKRule)
            tiles = tiles_of(x, weight, bias, dtype, min(k, width), magnitude)
            return _rows_of_k([tile.largest() for tile in tiles], width, x.device)
        case BatchTopKRule(k):
            total = min(k, width) * rows
            tiles = tiles_of(x, weight, bias, dtype, min(k, width))
            parts = [_largest_of_all(tiles, total, rows, x.device)]
        case ThresholdRule(threshold):
            tiles = tiles_of(x, weight, bias - threshold, dtype)
            parts = [tile.entries_above(tile.per_row(0))[:2] for tile in tiles]
        case NearTopKRule(k, margin, magnitude):
            tiles = tiles_of(x, weight, bias, dtype, min(k, width), magnitude)
            parts = _near_largest(tiles, margin)
        case _:
            raise ConfigError(
                f"got the rule {type(rule).__name__}, expected TopKRule, AbsTopKRule, "
                "BatchTopKRule or ThresholdRule on a GPU; call kernels.select or "
                "kernels.select_exactly, which reduce the other rules to these"
            )
    return _joined(parts, width, x.device)


def _joined(parts: list[tuple[Tensor, Tensor]], width: int, device: torch.device) -> Support:
    none = torch.zeros(0, dtype=torch.int64, device=device)
    counts = torch.cat([none, *(counts for counts, _ in parts)])
    indices = torch.cat([none, *(indices for _, indices in parts)])
    return Support(offsets_of(counts), indices, width)


def _rows_of_k(
    parts: list[tuple[Tensor, Tensor, Tensor]], width: int, device: torch.device
) -> Support:
    """The support of the first `counts[row]` of every row of indices [rows, k], of all tiles."""
    if not parts:
        return _joined([], width, device)
    counts = torch.cat([counts for counts, *_ in parts])
    indices = torch.cat([indices for _, indices, _ in parts])
    offsets, (rows, k) = offsets_of(counts), indices.shape
    if int(offsets[-1]) == rows * k:
        return Support.of_full_rows(indices, width)
    kept = torch.arange(k, device=device) < counts[:, None]
    return Support(offsets, indices[kept], width)


def _near_largest(tiles: Iterator[Tile], margin: Tensor) -> list[tuple[Tensor, Tensor]]:
    parts, first_row = [], 0
    for tile in tiles:
        _, _, bounds = tile.largest()
        # No more than k entries are above this bound, so the k-th largest is not below it.
        lowered = bounds.view(torch.float32) - margin[first_row : first_row + tile.rows]
        parts.append(tile.entries_above(bits_of(lowered))[:2])
        first_row += tile.rows
    return parts


def _largest_of_all(
    tiles: Iterator[Tile], total: int, rows: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """The `total` largest positive entries of all tiles: counts [rows], indices [entries].

    The bound rises from tile to tile: once `total` entries are at or above some value, no entry
    below it and no later entry equal to it can be kept. The maxima of `total` blocks give such a
    value before a tile's entries are read. So every product is computed once, and at most four
    times `total` entries are stored between tiles.
    """
    bound, first_row = 0, 0
    maxima = torch.zeros(0, dtype=torch.int32, device=device)
    entries = [torch.zeros(0, dtype=dtype, device=device) for dtype in _ENTRY_DTYPES]
    for tile in tiles:
        # The maxima of `total` blocks are not below the least of them, nor are as many entries.
        maxima = torch.cat([maxima, tile.maxima]).sort(descending=True).values[:total]
        if maxima.shape[0] == total:
            bound = max(bound, int(maxima[-1]) - 1)
        counts, indices, bits = tile.entries_above(tile.per_row(bound))
        if indices.shape[0] > 2 * total:
            bound = _bound_of_rank(tile, bound, total)
            counts, equal = tile.count_entries(bound)
            tied = _ties_kept(equal, total - counts.sum())
            counts += tied
            indices, bits = tile.entries(tile.per_row(bound), tied, counts)
        of_tile = torch.arange(first_row, first_row + tile.rows, device=device)
        row = of_tile.repeat_interleave(counts, output_size=indices.shape[0])
        new = (row, indices, bits)
        entries = [torch.cat(pair) for pair in zip(entries, new, strict=True)]
        first_row += tile.rows
        if entries[0].shape[0] > 2 * total and first_row < rows:
            entries, largest = _keep_largest(entries, total)
            bound = int(largest)
    if entries[0].shape[0] > total:
        entries, _ = _keep_largest(entries, total)
    row, indices, _ = entries
    numbers = torch.arange(rows + 1, device=device)
    return torch.searchsorted(row, numbers).diff(), indices


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


def _keep_largest(entries: list[Tensor], total: int) -> tuple[list[Tensor], Tensor]:
    """The `total` largest entries, of equal ones the first, and their bound."""
    bits = entries[-1]
    bound = bits.sort(descending=True).values[total - 1]
    above, equal = bits > bound, bits == bound
    keep = above | (equal & (equal.cumsum(0) <= total - above.sum()))
    kept = keep.nonzero().squeeze(1)
    return [part[kept] for part in entries], bound
