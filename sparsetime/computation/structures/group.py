"""Groups of consecutive inputs of an output, kept or removed together."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.structures.structure import Structure, kept_count, top_mask
from sparsetime.errors import ConfigError


@final
@component("group")
class Group(Structure):
    """Groups of consecutive inputs of one output.

        M_ij = M_ig for all j of the group g; groups by the sum of their scores

    size: inputs of a group.

    Source: Mao et al. 2017, Exploring the Granularity of Sparsity in Convolutional Neural Networks.
    """

    def __init__(self, size: int = 4) -> None:
        super().__init__(size=size)
        if size < 1:
            raise ConfigError(f"got size={size} of groups, expected at least 1")
        self.size = size

    def objection(self, shape: tuple[int, int], sparsity: float) -> str | None:
        if shape[1] % self.size:
            return f"its {shape[1]} inputs are not divided by size={self.size}; choose another size"
        groups = shape[0] * shape[1] // self.size
        if kept_count(groups, sparsity) < 1:
            return f"sparsity {sparsity:g} keeps none of its {groups} groups; give a lower one"
        return None

    def mask(self, scores: Float[Tensor, "out in"], sparsity: float) -> Bool[Tensor, "out in"]:
        sums = scores.reshape(len(scores), -1, self.size).sum(2)
        kept = top_mask(sums.flatten(), kept_count(sums.numel(), sparsity)).reshape(sums.shape)
        return kept.repeat_interleave(self.size, 1)

    def holds(self, mask: Bool[Tensor, "out in"]) -> bool:
        groups = mask.reshape(len(mask), -1, self.size)
        return bool((groups.all(2) | ~groups.any(2)).all())
