"""Square blocks of a matrix, kept or removed together."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.structures.structure import Structure, kept_count, top_mask
from sparsetime.errors import ConfigError


@final
@component("block", example={"size": 4})
class Block(Structure):
    """Square blocks of entries.

        M_ij = M_b for all (i, j) of the block b; blocks by the sum of their scores

    size: rows, and columns, of a block.

    Source: Gray, Radford and Kingma 2017, GPU Kernels for Block-Sparse Weights.
    """

    def __init__(self, size: int = 16) -> None:
        super().__init__(size=size)
        if size < 1:
            raise ConfigError(f"got size={size} of blocks, expected at least 1")
        self.size = size

    def objection(self, shape: tuple[int, int], sparsity: float) -> str | None:
        if shape[0] % self.size or shape[1] % self.size:
            return f"its shape {list(shape)} is not divided by size={self.size}; choose another"
        blocks = shape[0] * shape[1] // self.size**2
        if kept_count(blocks, sparsity) < 1:
            return f"sparsity {sparsity:g} keeps none of its {blocks} blocks; give a lower one"
        return None

    def mask(self, scores: Float[Tensor, "out in"], sparsity: float) -> Bool[Tensor, "out in"]:
        size = self.size
        sums = scores.unflatten(0, (-1, size)).unflatten(2, (-1, size)).sum((1, 3))
        kept = top_mask(sums.flatten(), kept_count(sums.numel(), sparsity)).reshape(sums.shape)
        return kept.repeat_interleave(size, 0).repeat_interleave(size, 1)

    def holds(self, mask: Bool[Tensor, "out in"]) -> bool:
        size = self.size
        blocks = mask.unflatten(0, (-1, size)).unflatten(2, (-1, size))
        whole = blocks.all(3).all(1) | ~blocks.any(3).any(1)
        return bool(whole.all())
