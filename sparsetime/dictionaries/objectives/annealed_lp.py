"""A penalty that turns from the sum of strengths towards their count."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError

# Below it a strength costs no more per unit: the slope of a power below one has no bound at zero.
_SMALLEST = 1e-4


@final
@component("annealed_lp", example={"weight": 0.1})
class AnnealedLp(Term):
    """Sum of strengths to the power p, mean over rows; p falls linearly from 1 to `last`, from the
    share `begin` of the training on.

    Whenever p changes, a factor keeps the penalty of the codes of that moment what it was, so that
    only its shape changes: small strengths come to cost relatively more, large ones less.

    p: the power now. factor: what keeps the penalty's size.

    Source: Karvonen et al. 2024, Measuring Progress in Dictionary Learning for Language Model
    Interpretability with Board Game Models, arXiv:2408.00113.
    """

    is_sparsity_penalty = True
    p: Tensor
    factor: Tensor

    def __init__(self, weight: float, last: float = 0.2, begin: float = 0.2) -> None:
        if not (0 < last <= 1 and 0 <= begin < 1):
            raise ConfigError(
                "the last power is above 0 and at most 1, and the fall begins at a share of the "
                f"training from 0 to below 1; given: last={last} and begin={begin}"
            )
        super().__init__(weight=weight, last=last, begin=begin)
        self.weight, self.last, self.begin = weight, last, begin
        self.register_buffer("p", torch.tensor(1.0))
        self.register_buffer("factor", torch.tensor(1.0))

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        return self.factor * self._penalty(step, self.p)

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        done = (step.progress - self.begin) / (1 - self.begin)
        p = self.p.new_tensor(1 - (1 - self.last) * min(max(done, 0.0), 1.0))
        if p == self.p:
            return
        before, after = self._penalty(step, self.p), self._penalty(step, p)
        if after > 0:
            self.factor.mul_(before / after)
        self.p.copy_(p)

    def _penalty(self, step: ForwardPass, p: Tensor) -> Float[Tensor, ""]:
        strengths = step.values.abs()
        small = strengths * _SMALLEST ** (p - 1)
        powers = torch.where(strengths > _SMALLEST, strengths.clamp_min(_SMALLEST) ** p, small)
        return powers.sum() / step.x.shape[0]
