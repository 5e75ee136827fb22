"""Complementary masks: what one copy shows, the other hides."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Shaped
from torch import Tensor

from sparsetime.components import component
from sparsetime.pretraining.masks.mask import Share
from sparsetime.pretraining.pairs.pair import Pair, PairSampler, check_changeable


@final
@component("complementary")
class Complementary(PairSampler):
    """Two copies of every sequence, the patches of which are hidden in one or in the other.

        first = m x,  second = (1 - m) x,  m ~ Bernoulli(share), one number a patch

    Hidden values are 0, the mean of a standardised series. Steps after the last whole patch are
    hidden in both.

    Source: Lee et al. 2024, PITS, arXiv:2312.16427, section 3.3.
    """

    def __init__(self, share: Share = 0.5) -> None:
        super().__init__(share=share)
        self.share = share

    def draw(
        self, x: Shaped[Tensor, "batch steps ..."], stride: int, random: torch.Generator
    ) -> Pair:
        """The two copies, all steps of which are common."""
        check_changeable(self.kind, x)
        patches = x.shape[1] // stride
        drawn = torch.rand(len(x), patches, generator=random) < self.share
        shown = drawn.repeat_interleave(stride, 1).to(x)
        x = x[:, : patches * stride]
        shown = shown.reshape(*shown.shape, *[1] * (x.ndim - 2))
        return Pair(shown * x, (1 - shown) * x, common=patches * stride)
