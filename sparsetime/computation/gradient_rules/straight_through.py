"""Straight-through gradients with decay of removed weights (SR-STE)."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.gradient_rules.gradient_rule import GradientRule
from sparsetime.errors import ConfigError


@final
@component("straight_through")
class StraightThrough(GradientRule):
    """Dense weights get the gradient of the thinned ones; removed ones decay.

        W' = M W,  dL/dW = dL/dW' + decay (1 - M) W

    decay: 0 is the plain straight-through estimator.

    Source: Zhou et al. 2021, Learning N:M Fine-grained Structured Sparse Neural Networks From
    Scratch, equation 8 (SR-STE).
    """

    keeps_dense = True

    def __init__(self, decay: float = 2e-4) -> None:
        super().__init__(decay=decay)
        if not decay >= 0:
            raise ConfigError(f"got decay={decay}, expected a number from 0 on")
        self.decay = decay

    def gradient(
        self,
        gradient: Float[Tensor, ...],
        weight: Float[Tensor, ...],
        mask: Bool[Tensor, ...],
        step: int,
    ) -> Float[Tensor, ...]:
        return gradient + self.decay * (weight * ~mask)
