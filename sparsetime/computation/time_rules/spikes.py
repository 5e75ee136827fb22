"""Spikes of neurons that integrate and fire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.time_rules.time_rule import TimeRule, TimeState
from sparsetime.errors import ConfigError


@final
@component("spikes")
class SpikesRule(TimeRule):
    """Each entry is added to a potential, and a spike of one size is passed where that is high.

        v_t = leak v_(t-1) + x_t,  s_t = sign(v_t) where |v_t| >= threshold, otherwise 0
        h_t = threshold s_t,  v_t -> v_t - threshold s_t

    leak: share of the potential that is left at the next step; 1 passes the mean of an input over
    time. The gradient of a spike is that of a potential within twice the threshold
    (straight-through), and 0 beyond.

    Source: Rueckauer et al. 2017, Conversion of Continuous-Valued Deep Networks to Efficient
    Event-Driven Networks for Image Classification (reset by subtraction), with signed spikes;
    surrogate gradients: Neftci et al. 2019.
    """

    holds: ClassVar[bool] = False

    def __init__(self, leak: float = 1.0) -> None:
        """Errors: ConfigError for a leak outside of (0, 1]."""
        super().__init__(leak=leak)
        if not 0 < leak <= 1:
            raise ConfigError(f"got leak={leak}, expected more than 0 and at most 1")
        self.leak = leak

    def calibrated(
        self, x: Float[Tensor, "sequences time d"] | None, sparsity: float
    ) -> dict[str, Tensor]:
        assert x is not None, "of rules that read data"
        highest = 2 * float(x.abs().sum(1).max())  # no potential can reach it
        return {"threshold": self._threshold(x, sparsity, highest)}

    def passed(
        self,
        x: Float[Tensor, "batch time d"],
        learnt: Mapping[str, Tensor],
        state: TimeState | None,
    ) -> tuple[Float[Tensor, "batch time d"], TimeState]:
        threshold = learnt["threshold"].to(x)
        potential = torch.zeros_like(x[:, 0]) if state is None else state["potential"]
        values = []
        for step in x.unbind(1):
            potential = self.leak * potential + step
            spike: Tensor = _Spike.apply(potential, threshold)  # type: ignore[no-untyped-call]
            potential = potential - spike
            values.append(spike)
        return torch.stack(values, 1), {"potential": potential.detach()}


class _Spike(torch.autograd.Function):
    """A spike of the threshold's size, with the gradient of its potential near to zero."""

    @staticmethod
    def forward(ctx: Any, potential: Tensor, threshold: Tensor) -> Tensor:
        ctx.save_for_backward(potential.abs() < 2 * threshold)
        return potential.sign() * (potential.abs() >= threshold) * threshold

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor, None]:
        (near,) = ctx.saved_tensors
        return outputs[0] * near, None
