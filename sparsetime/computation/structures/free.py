"""Free structure: any entries of a matrix."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.structures.structure import Structure, kept_count, top_mask


@final
@component("free")
class Free(Structure):
    """The highest scores of the matrix, wherever they are (unstructured sparsity).

        M_ij = 1 where score_ij is among the (1 - s) out in largest

    Source: Han et al. 2015, Learning both weights and connections for efficient neural networks.
    """

    def __init__(self) -> None:
        super().__init__()

    def mask(self, scores: Float[Tensor, "out in"], sparsity: float) -> Bool[Tensor, "out in"]:
        kept = kept_count(scores.numel(), sparsity)
        return top_mask(scores.flatten(), kept).reshape(scores.shape)

    def holds(self, mask: Bool[Tensor, "out in"]) -> bool:
        return True
