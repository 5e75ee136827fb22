"""Random mask: every vector is hidden with equal probability."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.pretraining.masks.mask import Mask, Share, random_groups
from sparsetime.sequence_models.views.vector_layout import VectorLayout


@final
@component("random")
class RandomMask(Mask):
    """Vectors are hidden wherever they lie, without regard to time and place.

        hidden_i = (u_i is among the share * n smallest),    u_i uniform

    Source: He et al. 2022, arXiv:2111.06377; in space and time: Feichtenhofer et al. 2022,
    arXiv:2205.09113 ("agnostic").
    """

    def __init__(self, share: Share = 0.75) -> None:
        super().__init__(share=share)
        self.share = share

    def draw(
        self,
        vectors: Float[Tensor, "batch time d"],
        layout: VectorLayout,
        random: torch.Generator,
    ) -> Bool[Tensor, "batch time"]:
        """Whether each vector is hidden."""
        hidden = random_groups(self.share, len(vectors), layout.count, "vectors", random)
        return hidden.to(vectors.device)
