"""Noisy copies: the same sequence twice, scaled and with noise."""

from __future__ import annotations

from typing import Annotated, final

import torch
from jaxtyping import Shaped
from pydantic import Field
from torch import Tensor

from sparsetime.components import component
from sparsetime.pretraining.pairs.pair import Pair, PairSampler, check_changeable


@final
@component("copies")
class Copies(PairSampler):
    """Two copies of every sequence with a factor and noise of their own.

        first = s_1 x + n_1,  second = s_2 x + n_2,
        log s ~ Normal(0, scale^2),  n ~ Normal(0, noise^2)

    Source: Um et al. 2017, arXiv:1706.00527 (jittering and scaling).
    """

    def __init__(
        self,
        noise: Annotated[float, Field(ge=0)] = 0.1,
        scale: Annotated[float, Field(ge=0)] = 0.1,
    ) -> None:
        super().__init__(noise=noise, scale=scale)
        self.noise, self.scale = noise, scale

    def draw(
        self, x: Shaped[Tensor, "batch steps ..."], stride: int, random: torch.Generator
    ) -> Pair:
        """The two copies, all steps of which are common."""
        check_changeable(self.kind, x)
        one, other = (self._copy(x, random) for _ in range(2))
        return Pair(one, other, common=x.shape[1])

    def _copy(self, x: Tensor, random: torch.Generator) -> Tensor:
        factor = torch.randn([len(x)] + [1] * (x.ndim - 1), generator=random).mul(self.scale).exp()
        noise = torch.randn(x.shape, generator=random)
        return factor.to(x) * x + self.noise * noise.to(x)
