"""Span mask: contiguous times are hidden."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.pretraining.masks.mask import Mask, Share, whole_number
from sparsetime.sequence_models.views.vector_layout import VectorLayout


@final
@component("span")
class SpanMask(Mask):
    """One contiguous stretch of times is hidden, with all of their places.

        hidden_t = (a <= t < a + share * times),    a uniform

    Source: Assran et al. 2023, I-JEPA, arXiv:2301.08243 (blocks as targets), along time.
    """

    def __init__(self, share: Share = 0.5) -> None:
        super().__init__(share=share)
        self.share = share

    def draw(
        self,
        vectors: Float[Tensor, "batch time d"],
        layout: VectorLayout,
        random: torch.Generator,
    ) -> Bool[Tensor, "batch time"]:
        """Whether each vector is hidden."""
        count = whole_number(self.share, layout.times, "times")
        begin = torch.randint(layout.times - count + 1, (len(vectors), 1), generator=random)
        time = torch.arange(layout.times)
        hidden = (time >= begin) & (time < begin + count)
        return hidden.repeat_interleave(layout.places, 1).to(vectors.device)
