"""Frame mask: all places of a time are hidden together."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.pretraining.masks.mask import Mask, Share, random_groups
from sparsetime.sequence_models.views.vector_layout import VectorLayout


@final
@component("frame")
class FrameMask(Mask):
    """Whole times are hidden, with all of their places.

        hidden_{t, p} = (u_t is among the share * times smallest),    u_t uniform

    Source: Feichtenhofer et al. 2022, arXiv:2205.09113 ("time-only").
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
        hidden = random_groups(self.share, len(vectors), layout.times, "times", random)
        return hidden.repeat_interleave(layout.places, 1).to(vectors.device)
