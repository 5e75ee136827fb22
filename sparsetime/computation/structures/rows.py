"""Row structure: whole outputs, which are neurons or channels."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.structures.structure import Structure, kept_count, top_mask


@final
@component("rows")
class Rows(Structure):
    """Whole rows of the matrix, which are neurons or channels.

        M_ij = 1 where sum_j score_ij is among the (1 - s) out largest

    Source: Li et al. 2017, Pruning Filters for Efficient ConvNets.
    """

    def __init__(self) -> None:
        super().__init__()

    def objection(self, shape: tuple[int, int], sparsity: float) -> str | None:
        if kept_count(shape[0], sparsity) < 1:
            return f"sparsity {sparsity:g} keeps none of its {shape[0]} outputs; give a lower one"
        return None

    def mask(self, scores: Float[Tensor, "out in"], sparsity: float) -> Bool[Tensor, "out in"]:
        kept = kept_count(len(scores), sparsity)
        return top_mask(scores.sum(1), kept)[:, None].expand(scores.shape).clone()

    def holds(self, mask: Bool[Tensor, "out in"]) -> bool:
        return bool((mask.all(1) | ~mask.any(1)).all())
