"""L_p penalty whose power falls during training (p-annealing)."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError

# Values below it are penalised linearly: the slope of a power below one is unbounded at zero.
_SMALLEST = 1e-4


@final
@component("annealed_lp", example={"weight": 0.1})
class AnnealedLp(Term):
    """L_p penalty on activation values whose power p falls from 1 to `last` during training.

        loss = factor / n · Σ_{row, i} |z_i|^p
        p(t) = 1 - (1 - last) · clip((t - begin) / (1 - begin), 0, 1),    t: share of training done

    Whenever p changes, `factor` is rescaled so that the penalty of the current codes keeps its
    value. Values below 1e-4 are penalised linearly, since the slope of |z|^p has no bound at zero.
    Only the shape of the penalty changes: small values cost relatively more, large ones
    less.

    p: the present power, a buffer []. factor: the present scale, a buffer [].

    Source: Karvonen et al. 2024, Measuring Progress in Dictionary Learning for Language Model
    Interpretability with Board Game Models, arXiv:2408.00113.
    """

    is_sparsity_penalty = True
    latent_tensors = frozenset()
    divides_rows = True
    p: Tensor
    factor: Tensor

    def __init__(self, weight: float, last: float = 0.2, begin: float = 0.2) -> None:
        if not (0 < last <= 1 and 0 <= begin < 1):
            raise ConfigError(
                f"got last={last} and begin={begin}, expected a last power above 0 and at most 1, "
                "and a begin (share of training before the power falls) of at least 0 and below 1"
            )
        super().__init__(weight=weight, last=last, begin=begin)
        self.last, self.begin = last, begin
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
        magnitudes = step.values.abs()
        linear = magnitudes * _SMALLEST ** (p - 1)
        powers = torch.where(magnitudes > _SMALLEST, magnitudes.clamp_min(_SMALLEST) ** p, linear)
        return step.per_row(powers.sum())
