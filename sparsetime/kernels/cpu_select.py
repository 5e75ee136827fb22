"""Selection on the CPU: torch multiplies tiles of rows, compiled loops search them.

No [rows, width] tensor is ever allocated: the product is computed in tiles of a few rows that stay
in the cache, and each tile is read once. In 8-bit integers `product_select` selects within the
product, where the processor can. The bits of positive floats, read as integers, have the
same order (and those of negative floats are negative), so selection scans integers in any dtype.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.kernels import loops, product_select
from sparsetime.kernels.integer_product import integer_product
from sparsetime.kernels.kept_of_weight import KeptOfWeight
from sparsetime.kernels.quantised_weights import multiplies_matrices, quantised
from sparsetime.kernels.selection_rules import (
    AbsTopKRule,
    BatchTopKRule,
    NearTopKRule,
    Rule,
    ThresholdRule,
    TopKRule,
)
from sparsetime.support import Support

# Elements of one product tile: 8 MB in bfloat16, which fits the last-level cache. Smaller tiles
# slow the product by more than they speed up the scan.
_TILE_ELEMENTS = 1 << 22
# The selection of a batch estimates its bound from rows with this many kept entries, and no more
# than these elements.
_KEPT_OF_ESTIMATE, _ELEMENTS_OF_ESTIMATE = 1 << 10, 1 << 18
BITS_OF = {torch.bfloat16: torch.int16, torch.float16: torch.int16, torch.float32: torch.int32}
NO_SIGN = {torch.int16: 0x7FFF, torch.int32: 0x7FFFFFFF}
_in_bfloat16 = KeptOfWeight(Tensor.bfloat16)


def select(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype,
) -> Support:
    """See `reference.select`."""
    if isinstance(rule, ThresholdRule):
        bias = bias - rule.threshold
    if dtype == torch.int8 and x.shape[0] and product_select.applies(rule, weight.shape[0]):
        return _in_product(x, weight, bias, rule)
    return _in_tiles(x, weight, bias, rule, dtype)


def _in_product(x: Tensor, weight: Tensor, bias: Tensor, rule: Rule) -> Support:
    """`select` in 8-bit integers, by one pass that keeps no product."""

    def again(failed: np.ndarray) -> product_select.Entries:
        some = torch.from_numpy(failed)
        own = replace(rule, margin=rule.margin[some]) if isinstance(rule, NearTopKRule) else rule
        support = _in_tiles(x[some], weight, bias, own, torch.int8)
        return support.offsets.diff().numpy(), support.indices.numpy()

    rows, width = x.shape[0], weight.shape[0]
    # Of weights in inference the integers are kept: those in training change at every step.
    weights = quantised(weight, keep=isinstance(rule, NearTopKRule | ThresholdRule))
    product = product_select.ProductOfIntegers(array_of(x), weights, array_of(bias))
    match rule:
        case TopKRule(k):
            return _support([product.largest(min(k, width), again)], width)
        case NearTopKRule(k, margin):
            near = product.near_largest(min(k, width), array_of(margin), again)
            return _support([near], width)
        case BatchTopKRule(k):
            total = min(k, width) * rows
            counts, indices, values = product.largest_of_batch(total)
            return _largest(_support([(counts, indices)], width), values, total)
    return _support([product.above(0.0)[:2]], width)


def _in_tiles(x: Tensor, weight: Tensor, bias: Tensor, rule: Rule, dtype: torch.dtype) -> Support:
    """`select` from tiles of the product; a threshold is in the bias already."""
    width = weight.shape[0]
    magnitude = isinstance(rule, AbsTopKRule) or (isinstance(rule, NearTopKRule) and rule.magnitude)
    # Of weights in inference the copy is kept, as integers are.
    keep = isinstance(rule, NearTopKRule | ThresholdRule)
    tiles = tiles_of(x, weight, bias, dtype, magnitude, keep)
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
    lower = 0
    while True:
        parts = []
        kept = []
        for tile in tiles_of(x, weight, bias, dtype):
            if bound is None:
                rows = min(
                    -(-_KEPT_OF_ESTIMATE * x.shape[0] // total), _ELEMENTS_OF_ESTIMATE // width
                )
                sample = loops.bits(tile, max(1, rows))
                share = total * sample.shape[0] / x.shape[0]
                bound = loops.value_near_rank(sample, int(1.5 * share) + 16)
                lower = 1 << (7 if sample.dtype.itemsize == 2 else 23)
            counts, indices, values = loops.above(tile, bound)
            parts.append((counts, indices))
            kept.append(values)
        values = np.concatenate(kept) if kept else np.zeros(0, np.int32)
        if values.shape[0] >= total or not bound:
            break
        # The first rows were larger than most. One octave lower (the bits of a float grow by so
        # much when it doubles) is nearly always enough; far lower would keep most of the product.
        bound, lower = max(0, bound - lower), 2 * lower
    counts = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0, np.int64)
    indices = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0, np.int64)
    return _largest(_support([(counts, indices)], width), values, total)


def _largest(support: Support, values: np.ndarray, total: int) -> Support:
    """The entries with the `total` largest values."""
    if values.shape[0] <= total:
        return support
    return support.take(torch.from_numpy(loops.largest_of_entries(values, total)))


def tiles_of(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    dtype: torch.dtype,
    magnitude: bool = False,
    keep: bool = False,
) -> Iterator[Any]:
    """Row tiles of `x @ weight.T + bias` in one reused buffer, in the form of `loops.tiles`.

    keep: keep the copy of a float32 weight in bfloat16 for the next call.
    """
    if x.shape[0] == 0:
        return
    if dtype == torch.int8:
        yield from _tiles_of_integers(x, weight, bias, magnitude)
        return
    rows_at_once = _rows_at_once(x, weight)
    kept = keep and (weight.dtype, dtype) == (torch.float32, torch.bfloat16)
    matrix = (_in_bfloat16(weight) if kept else weight.to(dtype)).T
    x, bias = x.to(dtype), bias.to(dtype)
    buffer = torch.empty(rows_at_once, weight.shape[0], dtype=dtype)
    for start in range(0, x.shape[0], rows_at_once):
        part = x[start : start + rows_at_once]
        tile = buffer[: part.shape[0]]
        torch.addmm(bias, part, matrix, out=tile)
        bits = tile.view(BITS_OF[dtype])
        yield (bits & NO_SIGN[bits.dtype] if magnitude else bits).numpy()


def _tiles_of_integers(x: Tensor, weight: Tensor, bias: Tensor, magnitude: bool) -> Iterator[Any]:
    """Row tiles of the product of 8-bit integers: scores, or sums with scales to rescale them."""
    rows_at_once = _rows_at_once(x, weight)
    mask = np.int32(NO_SIGN[torch.int32] if magnitude else -1)
    if multiplies_matrices():  # faster than torch's product, and with the scores
        weights, biases = quantised(weight), array_of(bias)
        for some in x.split(rows_at_once):
            bits = product_select.ProductOfIntegers(array_of(some), weights, biases).bits()
            bits &= mask
            yield bits
        return
    rows, row_scales = loops.quantise(array_of(x))
    latents, latent_scales = loops.quantise(array_of(weight))
    matrix = torch.from_numpy(latents)
    buffer = torch.empty(rows_at_once, weight.shape[0], dtype=torch.int32)
    for start in range(0, x.shape[0], rows_at_once):
        part = torch.from_numpy(rows[start : start + rows_at_once])
        sums = buffer[: part.shape[0]]
        integer_product(part, matrix, out=sums)
        scales = row_scales[start : start + rows_at_once]
        yield sums.numpy(), scales, latent_scales, array_of(bias), mask


def _rows_at_once(x: Tensor, weight: Tensor) -> int:
    return max(16, min(x.shape[0], _TILE_ELEMENTS // max(weight.shape[0], 1)))


def _support(parts: list[tuple[np.ndarray, np.ndarray]], width: int) -> Support:
    counts = np.concatenate([counts for counts, _ in parts]) if parts else np.zeros(0, np.int64)
    indices = np.concatenate([index for _, index in parts]) if parts else np.zeros(0, np.int64)
    offsets = np.zeros(counts.shape[0] + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return Support(torch.from_numpy(offsets), torch.from_numpy(indices), width)


def array_of(x: Tensor) -> np.ndarray:
    """The tensor as a contiguous array of float32, without a copy where it is one."""
    x = x.detach()
    # Calls that change nothing take as long as a kernel of a small dictionary.
    if x.dtype != torch.float32 or not x.is_contiguous():
        x = x.float().contiguous()
    array: np.ndarray = x.numpy()
    return array
