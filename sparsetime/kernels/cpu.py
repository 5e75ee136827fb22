"""The kernels for CPUs: torch multiplies tiles, compiled loops do everything sparse.

No [rows, width] tensor exists at any moment: the product is made in tiles of a few rows that stay
in the cache, and each tile is read once. Positive floats compare like the integers of their bits
(and negative ones are negative integers), so that selection scans plain integers in any dtype.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.kernels import cpu_loops as loops
from sparsetime.kernels.rules import Above, AbsTopK, BatchTopK, Rule, TopK
from sparsetime.kernels.support import ByLatent, Support

# Elements of one product tile: 8 MB in bfloat16, which stays in the last-level cache; smaller tiles
# make the product slower by more than the scan gains.
_TILE_ELEMENTS = 1 << 22
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
    match rule:
        case TopK(k) | AbsTopK(k):
            magnitude = isinstance(rule, AbsTopK)
            parts = [
                loops.largest_per_row(_bits(tile, magnitude), min(k, width))
                for _, tile in _tiles(x, weight, bias, dtype)
            ]
        case BatchTopK(k):
            return _batch_top_k(x, weight, bias, min(k, width) * x.shape[0], dtype)
        case Above(threshold):
            parts = [
                loops.above_zero(_bits(tile, magnitude=False))
                for _, tile in _tiles(x, weight, bias - threshold, dtype)
            ]
    return _support(parts, width)


def _batch_top_k(
    x: Tensor, weight: Tensor, bias: Tensor, total: int, dtype: torch.dtype
) -> Support:
    """Keep what is above a guess taken from the first tile; lower the guess if it was too high."""
    width = weight.shape[0]
    guess: int | None = None
    while True:
        parts = []
        kept = []
        for rows, tile in _tiles(x, weight, bias, dtype):
            bits = _bits(tile, magnitude=False)
            if guess is None:
                share = total * rows / x.shape[0]
                guess = loops.value_at_rank(bits, int(1.5 * share) + 16)
            counts, indices = loops.above(bits, guess)
            parts.append((counts, indices))
            kept.append(loops.values_at(bits, counts, indices))
        values = np.concatenate(kept) if kept else np.zeros(0, np.int32)
        if values.shape[0] >= total or not guess:
            break
        guess = 0 if guess < 1 << 4 else guess - (guess >> 4)
    counts = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0, np.int64)
    indices = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0, np.int64)
    if values.shape[0] > total:
        counts, indices = loops.keep_largest(counts, indices, values, total)
    return _support([(counts, indices)], width)


def _tiles(
    x: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype
) -> Iterator[tuple[int, Tensor]]:
    """Row tiles of `x @ weight.T + bias` in one reused buffer."""
    rows_at_once = max(16, min(x.shape[0], _TILE_ELEMENTS // max(weight.shape[0], 1)))
    x, matrix, bias = x.to(dtype), weight.to(dtype).T, bias.to(dtype)
    buffer = torch.empty(rows_at_once, weight.shape[0], dtype=dtype)
    for start in range(0, x.shape[0], rows_at_once):
        part = x[start : start + rows_at_once]
        tile = buffer[: part.shape[0]]
        torch.addmm(bias, part, matrix, out=tile)
        yield part.shape[0], tile


def _bits(tile: Tensor, magnitude: bool) -> np.ndarray:
    bits = tile.view(_BITS[tile.dtype])
    if magnitude:
        bits = bits & _NO_SIGN[bits.dtype]
    array: np.ndarray = bits.numpy()
    return array


def _support(parts: list[tuple[np.ndarray, np.ndarray]], width: int) -> Support:
    counts = np.concatenate([counts for counts, _ in parts]) if parts else np.zeros(0, np.int64)
    indices = np.concatenate([index for _, index in parts]) if parts else np.zeros(0, np.int64)
    offsets = np.zeros(counts.shape[0] + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return Support(torch.from_numpy(offsets), torch.from_numpy(indices), width)


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


def transpose(support: Support) -> ByLatent:
    """See `reference.transpose`: a counting sort."""
    offsets, rows, order = loops.transpose(
        support.offsets.numpy(), support.indices.numpy(), support.width
    )
    return ByLatent(torch.from_numpy(offsets), torch.from_numpy(rows), torch.from_numpy(order))


def _array(x: Tensor) -> np.ndarray:
    array: np.ndarray = x.detach().float().contiguous().numpy()
    return array
