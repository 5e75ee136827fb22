"""CPU kernels: torch multiplies tiles, compiled loops do the sparse operations.

No [rows, width] tensor is ever allocated: the product is computed in tiles of a few rows that stay
in the cache, and each tile is read once. The bits of positive floats, read as integers, have the
same order (and those of negative floats are negative), so selection scans integers in any dtype.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.kernels import loops, reference
from sparsetime.kernels.adam_config import AdamStep
from sparsetime.kernels.latent_counts import LatentCounts
from sparsetime.kernels.row_sparse import GradientRows
from sparsetime.kernels.selection_rules import (
    AbsTopKRule,
    BatchTopKRule,
    NearTopKRule,
    Rule,
    ThresholdRule,
    TopKRule,
)
from sparsetime.support import ByLatent, Support

# Elements of one product tile: 8 MB in bfloat16, which fits the last-level cache. Smaller tiles
# slow the product by more than they speed up the scan.
_TILE_ELEMENTS = 1 << 22
# Elements from which the selection of a batch estimates its bound.
_ELEMENTS_OF_ESTIMATE = 1 << 18
_BITS = {torch.bfloat16: torch.int16, torch.float16: torch.int16, torch.float32: torch.int32}
_NO_SIGN = {torch.int16: 0x7FFF, torch.int32: 0x7FFFFFFF}


def select(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype,
) -> Support:
    """See `reference.select`."""
    width = weight.shape[0]
    magnitude = isinstance(rule, AbsTopKRule) or (isinstance(rule, NearTopKRule) and rule.magnitude)
    if isinstance(rule, ThresholdRule):
        bias = bias - rule.threshold
    tiles = _tiles(x, weight, bias, dtype, magnitude)
    match rule:
        case TopKRule(k) | AbsTopKRule(k):
            parts = [loops.largest_per_row(tile, min(k, width)) for tile in tiles]
        case BatchTopKRule(k):
            return _batch_top_k(x, weight, bias, min(k, width) * x.shape[0], dtype)
        case ThresholdRule():
            parts = [loops.above(tile, 0)[:2] for tile in tiles]
        case NearTopKRule(k, margin):
            margins = [part.numpy() for part in margin.split(_rows_at_once(x, weight))]
            parts = [
                loops.near_largest_per_row(tile, min(k, width), tile_margin)
                for tile, tile_margin in zip(tiles, margins, strict=True)
            ]
    return _support(parts, width)


def _batch_top_k(
    x: Tensor, weight: Tensor, bias: Tensor, total: int, dtype: torch.dtype
) -> Support:
    """Entries above a bound estimated from the first rows, lowered while too few are above it.

    The estimate aims at 1.5 times the total, so that one pass over the product is nearly always
    enough; the surplus is removed at the end.
    """
    width = weight.shape[0]
    bound: int | None = None
    while True:
        parts = []
        kept = []
        for tile in _tiles(x, weight, bias, dtype):
            if bound is None:
                sample = loops.bits(tile, max(1, _ELEMENTS_OF_ESTIMATE // width))
                share = total * sample.shape[0] / x.shape[0]
                bound = loops.value_at_rank(sample, int(1.5 * share) + 16)
            counts, indices, values = loops.above(tile, bound)
            parts.append((counts, indices))
            kept.append(values)
        values = np.concatenate(kept) if kept else np.zeros(0, np.int32)
        if values.shape[0] >= total or not bound:
            break
        # A sixteenth of the integer is about eight octaves of a float near 1.
        bound = 0 if bound < 1 << 4 else bound - (bound >> 4)
    counts = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0, np.int64)
    indices = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0, np.int64)
    support = _support([(counts, indices)], width)
    if values.shape[0] <= total:
        return support
    return support.take(torch.from_numpy(loops.largest_of_entries(values, total)))


def _tiles(
    x: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype, magnitude: bool = False
) -> Iterator[Any]:
    """Row tiles of `x @ weight.T + bias` in one reused buffer, in the form of `loops.tiles`."""
    if x.shape[0] == 0:
        return
    if dtype == torch.int8:
        yield from _tiles_of_integers(x, weight, bias, magnitude)
        return
    rows_at_once = _rows_at_once(x, weight)
    x, matrix, bias = x.to(dtype), weight.to(dtype).T, bias.to(dtype)
    buffer = torch.empty(rows_at_once, weight.shape[0], dtype=dtype)
    for start in range(0, x.shape[0], rows_at_once):
        part = x[start : start + rows_at_once]
        tile = buffer[: part.shape[0]]
        torch.addmm(bias, part, matrix, out=tile)
        bits = tile.view(_BITS[dtype])
        yield (bits & _NO_SIGN[bits.dtype] if magnitude else bits).numpy()


def _tiles_of_integers(
    x: Tensor, weight: Tensor, bias: Tensor, magnitude: bool
) -> Iterator[tuple[Any, ...]]:
    """Row tiles of the product of 8-bit integers, with the scales of rows and latents."""
    rows, row_scales = loops.quantise(_array(x))
    latents, latent_scales = loops.quantise(_array(weight))
    matrix = torch.from_numpy(latents).T
    mask = np.int32(_NO_SIGN[torch.int32] if magnitude else -1)
    rows_at_once = _rows_at_once(x, weight)
    buffer = torch.empty(rows_at_once, weight.shape[0], dtype=torch.int32)
    for start in range(0, x.shape[0], rows_at_once):
        part = torch.from_numpy(rows[start : start + rows_at_once])
        sums = buffer[: part.shape[0]]
        torch._int_mm(part, matrix, out=sums)
        scales = row_scales[start : start + rows_at_once]
        yield sums.numpy(), scales, latent_scales, _array(bias), mask


def _rows_at_once(x: Tensor, weight: Tensor) -> int:
    return max(16, min(x.shape[0], _TILE_ELEMENTS // max(weight.shape[0], 1)))


def _support(parts: list[tuple[np.ndarray, np.ndarray]], width: int) -> Support:
    counts = np.concatenate([counts for counts, _ in parts]) if parts else np.zeros(0, np.int64)
    indices = np.concatenate([index for _, index in parts]) if parts else np.zeros(0, np.int64)
    offsets = np.zeros(counts.shape[0] + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return Support(torch.from_numpy(offsets), torch.from_numpy(indices), width)


def kept_entries(
    support: Support, values: Float[Tensor, " entries"], rule: Rule
) -> Int[Tensor, " kept"]:
    """See `reference.kept_entries`."""
    offsets = support.offsets.numpy()
    bits = values.contiguous().view(torch.int32)
    match rule:
        case TopKRule(k):
            kept = loops.largest_of_entries_per_row(offsets, bits.numpy(), k)
        case AbsTopKRule(k):
            bits = bits & _NO_SIGN[torch.int32]
            kept = loops.largest_of_entries_per_row(offsets, bits.numpy(), k)
        case BatchTopKRule(k):
            kept = loops.largest_of_entries(bits.numpy(), k * support.rows)
        case _:
            return reference.kept_entries(support, values, rule)
    return torch.from_numpy(kept)


def mask_of_largest(score: Float[Tensor, "rows some"], k: int) -> Bool[Tensor, "rows some"]:
    """See `reference.mask_of_largest`."""
    bits = loops.ascending_bits(_array(score).view(np.int32))
    return torch.from_numpy(loops.mask_of_largest(bits, k))


def gather_dot(
    x: Float[Tensor, "rows d"], weight: Float[Tensor, "width d"], support: Support
) -> Float[Tensor, " entries"]:
    """See `reference.gather_dot`."""
    out = torch.empty(support.indices.shape[0])
    loops.gather_dot(
        _array(x), _array(weight), support.offsets.numpy(), support.indices.numpy(), out.numpy()
    )
    return out


def decode(
    values: Float[Tensor, " entries"],
    offsets: Tensor,
    indices: Tensor,
    atoms: Float[Tensor, "width d"],
) -> Float[Tensor, "rows d"]:
    """See `reference.decode`."""
    out = torch.empty(offsets.shape[0] - 1, atoms.shape[1])
    loops.decode(_array(values), offsets.numpy(), indices.numpy(), _array(atoms), out.numpy())
    return out


def outer(
    values: Float[Tensor, " entries"], by_latent: ByLatent, x: Float[Tensor, "rows d"]
) -> Float[Tensor, "width d"]:
    """See `reference.outer`."""
    return decode(values[by_latent.order], by_latent.offsets, by_latent.rows, x)


def sums_by_latent(
    values: Float[Tensor, " entries"], support: Support, by_latent: ByLatent
) -> Float[Tensor, " width"]:
    """See `reference.sums_by_latent`."""
    return reference.sums_by_latent(values, support, by_latent)


def transpose(support: Support) -> ByLatent:
    """See `reference.transpose`: a counting sort."""
    offsets, rows, order = loops.transpose(
        support.offsets.numpy(), support.indices.numpy(), support.width
    )
    return ByLatent(torch.from_numpy(offsets), torch.from_numpy(rows), torch.from_numpy(order))


def nested_differences(
    values: Float[Tensor, " entries"],
    finer: Support,
    atoms: Float[Tensor, "width d"],
    aim: Float[Tensor, "rows d"],
    groups: int,
) -> Float[Tensor, "rows groups d"]:
    """See `reference.nested_differences`."""
    out = torch.empty(aim.shape[0], groups, aim.shape[1])
    offsets, indices = finer.offsets.numpy(), finer.indices.numpy()
    loops.nested_differences(
        _array(values), offsets, indices, _array(atoms), _array(aim), out.numpy()
    )
    return out


def suffix_sums(
    errors: Float[Tensor, "rows groups d"], weights: Float[Tensor, " groups"]
) -> Float[Tensor, "rows groups d"]:
    """See `reference.suffix_sums`."""
    out = torch.empty_like(errors)
    loops.suffix_sums(errors.numpy(), _array(weights), out.numpy())
    return out


def count_latents(support: Support) -> LatentCounts:
    """See `kernels.count_latents`."""
    by_latent = transpose(support)
    last = loops.last_of(by_latent.offsets.numpy(), by_latent.rows.numpy())
    pairs = loops.pairs_of(
        support.offsets.numpy(),
        support.indices.numpy(),
        by_latent.offsets.numpy(),
        by_latent.rows.numpy(),
        by_latent.order.numpy(),
    )
    counted = [torch.from_numpy(array) for array in (last, *pairs)]
    return LatentCounts(by_latent.offsets.diff(), *counted)


def project(gradient: GradientRows, weight: Float[Tensor, "width d"]) -> None:
    """See `adam.project`."""
    values = gradient.values
    indices = torch.arange(values.shape[0]) if gradient.indices is None else gradient.indices
    loops.project(values.numpy(), indices.numpy(), weight.detach().numpy())


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
    rows = torch.arange(gradient.values.shape[0])
    row_of = rows
    if gradient.indices is not None:
        row_of = torch.full((weight.shape[0],), -1).index_copy_(0, gradient.indices, rows)
    decays = (step.first_decay, step.second_decay)
    numbers = (float(scale), *decays, step.size, step.second_correction, step.epsilon)
    loops.adam(
        weight.detach().numpy(),
        first.numpy(),
        second.numpy(),
        _array(gradient.values),
        row_of.numpy(),
        tuple(np.float32(number) for number in numbers),
        unit_rows,
    )


def _array(x: Tensor) -> np.ndarray:
    array: np.ndarray = x.detach().float().contiguous().numpy()
    return array
