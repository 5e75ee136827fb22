"""Learnt mask: a small network keeps the vectors whose neighbours are hard to rebuild."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.pretraining.masks.mask import Mask, Share, smallest, whole_number
from sparsetime.sequence_models.mixers.bidirectional_attention import BidirectionalAttention
from sparsetime.sequence_models.sequence_component import Count, Positive
from sparsetime.sequence_models.views.vector_layout import VectorLayout


@final
@component("learnt", example={"d": 8})
class LearntMask(Mask):
    """A categorical distribution over vectors, from which those that stay visible are drawn.

        p = softmax(w . attention(y)),    visible ~ p without replacement
        loss = -weight * sum over hidden i of log(p_i) e_i / n

    e: the error of a hidden vector, without gradient. So vectors that are hard to rebuild become
    likely to be kept. y: vectors of the view, without gradient.

    Source: Bandara et al. 2023, AdaMAE, arXiv:2211.09120, equations 2 to 4.
    """

    def __init__(
        self, d: Count, share: Share = 0.9, weight: Positive = 1e-2, heads: Count = 4
    ) -> None:
        super().__init__(d=d, share=share, weight=weight, heads=heads)
        self.share, self.weight = share, weight
        self.norm = nn.LayerNorm(d)
        self.attention = BidirectionalAttention(d, heads)
        self.score = nn.Linear(d, 1)
        self._log_p: Tensor | None = None

    def log_probabilities(
        self, vectors: Float[Tensor, "batch time d"]
    ) -> Float[Tensor, "batch time"]:
        """The logarithm of p for every vector."""
        y = vectors.detach()
        log_p: Tensor = self.score(y + self.attention(self.norm(y)))[..., 0].log_softmax(1)
        return log_p

    def draw(
        self,
        vectors: Float[Tensor, "batch time d"],
        layout: VectorLayout,
        random: torch.Generator,
    ) -> Bool[Tensor, "batch time"]:
        """Whether each vector is hidden; the visible ones are drawn by adding Gumbel noise."""
        count = whole_number(self.share, layout.count, "vectors")
        self._log_p = self.log_probabilities(vectors)
        uniform = torch.rand(len(vectors), layout.count, generator=random).clamp(1e-9, 1 - 1e-9)
        gumbel = -(-uniform.log()).log()
        return smallest(self._log_p.detach() + gumbel.to(vectors.device), count)

    def loss(
        self, errors: Float[Tensor, "batch time"], hidden: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, ""] | None:
        """The term above, of the mask that was drawn last."""
        assert self._log_p is not None
        log_p, self._log_p = self._log_p, None
        reward = (log_p * errors.detach() * hidden).sum(1) / hidden.sum(1)
        return -self.weight * reward.mean()
