"""Tube mask: places of a frame are hidden at all times."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.pretraining.masks.mask import Mask, Share, random_groups
from sparsetime.sequence_models.views.vector_layout import VectorLayout


@final
@component("tube")
class TubeMask(Mask):
    """Whole places are hidden, the same ones at every time.

        hidden_{t, p} = (u_p is among the share * places smallest),    u_p uniform

    Source: Tong et al. 2022, VideoMAE, arXiv:2203.12602 ("tube", "space-only").
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
        places = layout.places
        hidden = random_groups(self.share, len(vectors), places, "places at each time", random)
        return hidden.repeat(1, layout.times).to(vectors.device)
