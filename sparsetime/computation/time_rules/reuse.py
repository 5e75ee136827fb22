"""Whole steps that are like the last one computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.time_rules.time_rule import TimeRule, TimeState


@final
@component("reuse")
class ReuseRule(TimeRule):
    """A step is computed where its input differs enough from that of the last computed step.

        h_t = x_t where sum |x_t - h_(t-1)| > threshold * sum |h_(t-1)|, otherwise h_(t-1)

    Source: the relative L1 distance by which Liu et al. 2025 (TeaCache, arXiv:2411.19108) decide
    for a whole model; here of a map's input.
    """

    def __init__(self) -> None:
        super().__init__()

    def calibrated(
        self, x: Float[Tensor, "sequences time d"] | None, sparsity: float
    ) -> dict[str, Tensor]:
        assert x is not None, "of rules that read data"
        sums = x.abs().sum(2)
        least = float(sums[sums > 0].min()) if bool((sums > 0).any()) else 1.0
        return {"threshold": self._threshold(x, sparsity, 2 * float(sums.max()) / least)}

    def passed(
        self,
        x: Float[Tensor, "batch time d"],
        learnt: Mapping[str, Tensor],
        state: TimeState | None,
    ) -> tuple[Float[Tensor, "batch time d"], TimeState]:
        threshold = learnt["threshold"].to(x)
        steps = list(x.unbind(1))
        held = steps[0] if state is None else _updated(steps[0], state["held"], threshold)
        values = [held]
        for step in steps[1:]:
            held = _updated(step, held, threshold)
            values.append(held)
        return torch.stack(values, 1), {"held": held.detach()}


def _updated(x: Tensor, held: Tensor, threshold: Tensor) -> Tensor:
    change = (x - held).abs().sum(-1, keepdim=True)
    return torch.where(change > threshold * held.abs().sum(-1, keepdim=True), x, held)
