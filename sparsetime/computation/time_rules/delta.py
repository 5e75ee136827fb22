"""Changes above a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.time_rules.time_rule import TimeRule, TimeState
from sparsetime.errors import ConfigError


@final
@component("delta")
class DeltaRule(TimeRule):
    """An entry is passed where it has changed enough since it was passed last.

        h_t = x_t where |x_t - h_(t-1)| > threshold, otherwise h_(t-1)
        y_t = W h_t = y_(t-1) + W (h_t - h_(t-1))

    threshold: of the change; None for one by sparsity. pressure: in training, the gradient of
    pressure * sum over entries of |x_t - x_(t-1)|, mean over sequences and steps, is added to that
    of x, so that changes become rare.

    Source: Neil et al. 2017, Delta Networks for Optimized Recurrent Network Computation, equations
    4 to 8; the pressure is that of Yousefzadeh and Sifalakis 2021 (Delta Activation Layer).
    """

    def __init__(self, threshold: float | None = None, pressure: float = 0.0) -> None:
        """Errors: ConfigError for a negative threshold or pressure."""
        super().__init__(threshold=threshold, pressure=pressure)
        if (threshold or 0) < 0 or pressure < 0:
            raise ConfigError(
                f"got threshold={threshold} and pressure={pressure}, expected none below 0"
            )
        self.threshold, self.pressure = threshold, pressure

    @property
    def takes_sparsity(self) -> bool:
        return self.threshold is None

    @property
    def is_training(self) -> bool:
        return self.pressure > 0

    def calibrated(
        self, x: Float[Tensor, "sequences time d"] | None, sparsity: float
    ) -> dict[str, Tensor]:
        assert x is not None, "of rules that read data"
        if self.threshold is not None:
            return {"threshold": x.new_tensor(self.threshold)}
        return {"threshold": self._threshold(x, sparsity, float(x.max() - x.min()))}

    def passed(
        self,
        x: Float[Tensor, "batch time d"],
        learnt: Mapping[str, Tensor],
        state: TimeState | None,
    ) -> tuple[Float[Tensor, "batch time d"], TimeState]:
        threshold = learnt["threshold"].to(x)
        if self.pressure and x.requires_grad and x.shape[1] > 1:
            x = _AddedGradient.apply(x, self.pressure)  # type: ignore[no-untyped-call]
        steps = list(x.unbind(1))
        held = steps[0] if state is None else _updated(steps[0], state["held"], threshold)
        values = [held]
        for step in steps[1:]:
            held = _updated(step, held, threshold)
            values.append(held)
        return torch.stack(values, 1), {"held": held.detach()}


def _updated(x: Tensor, held: Tensor, threshold: Tensor) -> Tensor:
    return torch.where((x - held).abs() > threshold, x, held)


class _AddedGradient(torch.autograd.Function):
    """Leaves the steps as they are, and adds the gradient of the sum of their changes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, pressure: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.pressure = pressure
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        signs = x.diff(dim=1).sign()
        own = torch.zeros_like(x)
        own[:, 1:] += signs
        own[:, :-1] -= signs
        return outputs[0] + own * (ctx.pressure / (len(x) * signs.shape[1])), None
