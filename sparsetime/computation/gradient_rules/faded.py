"""Faded masks: removed weights are scaled towards zero over training."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.gradient_rules.gradient_rule import GradientRule
from sparsetime.errors import ConfigError


@final
@component("faded", example={"until": 10})
class Faded(GradientRule):
    """Removed weights are scaled by a factor that falls from 1 to 0, and learn by as much.

        W' = (M + b (1 - M)) W,  dL/dW = (M + b (1 - M)) dL/dW',  b(t) = max(0, 1 - t / until)

    The structure holds once b is 0, which is from the step `until` on.

    Source: Bambhaniya et al. 2024, Progressive Gradient Flow for Robust N:M Sparsity Training in
    Transformers, section 3 (MDGF, linear decay).
    """

    keeps_dense = True

    def __init__(self, until: int = 1000) -> None:
        super().__init__(until=until)
        if until < 1:
            raise ConfigError(f"got until={until} of a fading mask, expected at least 1 step")
        self.until = until

    def factor(self, step: int) -> float:
        """b(t)."""
        return max(0.0, 1 - step / self.until)

    def thinned(
        self, weight: Float[Tensor, ...], mask: Bool[Tensor, ...], step: int
    ) -> Float[Tensor, ...]:
        return weight * self._scale(weight, mask, step)

    def gradient(
        self,
        gradient: Float[Tensor, ...],
        weight: Float[Tensor, ...],
        mask: Bool[Tensor, ...],
        step: int,
    ) -> Float[Tensor, ...]:
        return gradient * self._scale(weight, mask, step)

    def _scale(self, weight: Tensor, mask: Tensor, step: int) -> Tensor:
        kept = mask.to(weight)
        return kept + self.factor(step) * (1 - kept)
