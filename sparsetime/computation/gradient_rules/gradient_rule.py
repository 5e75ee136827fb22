"""Base class of gradient rules: which values a thinned matrix has, and how gradients reach it."""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import RegisteredComponent
from sparsetime.computation.structures.structure import Structure
from sparsetime.computation.weight_matrices import WeightMatrix
from sparsetime.errors import ConfigError


class GradientRule(RegisteredComponent):
    """How a thinned matrix computes and learns.

    Tensors have the parameter's shape. `step` counts optimiser steps from 0.
    """

    role = "gradient_rule"
    #: Whether removed weights keep values of their own, which the optimiser updates.
    keeps_dense: ClassVar[bool] = False
    #: Whether the gradient by the inputs is computed with a mask of its own.
    has_backward_mask: ClassVar[bool] = False

    def thinned(
        self, weight: Float[Tensor, ...], mask: Bool[Tensor, ...], step: int
    ) -> Float[Tensor, ...]:
        """The values that the model computes with."""
        del step
        return weight * mask

    def gradient(
        self,
        gradient: Float[Tensor, ...],
        weight: Float[Tensor, ...],
        mask: Bool[Tensor, ...],
        step: int,
    ) -> Float[Tensor, ...]:
        """The gradient that the optimiser gets, from that of the thinned values."""
        del weight, step
        return gradient * mask

    def backward_mask(
        self, weight: Float[Tensor, "out in"], structure: Structure, sparsity: float
    ) -> Bool[Tensor, "out in"] | None:
        """The mask of the weights for the gradient by the inputs; None for the forward one."""
        del weight, structure, sparsity
        return None

    def objection(self, target: WeightMatrix, structure: Structure, sparsity: float) -> str | None:
        """Why the rule cannot work on a matrix; None where it can."""
        del target, structure, sparsity
        return None


class DecayingRule(GradientRule):
    """Dense weights get the whole gradient, and removed ones decay.

    dL/dW = dL/dW' + decay (1 - M) W
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
