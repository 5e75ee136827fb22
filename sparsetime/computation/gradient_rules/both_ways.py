"""BDWP: N:M sparsity in the forward pass along inputs and in the backward pass along outputs."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.computation.gradient_rules.gradient_rule import DecayingRule
from sparsetime.computation.structures.structure import Structure
from sparsetime.computation.weight_matrices import WeightMatrix


@final
@component("both_ways")
class BothWays(DecayingRule):
    """Dense weights, thinned along inputs for the output and along outputs for the gradient.

        y = (M W) x,  dL/dx = (B W)^T dL/dy,  dL/dW = dL/dy x^T + decay (1 - M) W

    M keeps the structure along inputs, B along outputs, so that both products run on hardware for
    N:M. decay: of removed weights, as in `straight_through`.

    Source: Fang et al. 2024, Efficient N:M Sparse DNN Training Using Algorithm, Architecture, and
    Dataflow Co-Design (BDWP).
    """

    has_backward_mask = True

    def objection(self, target: WeightMatrix, structure: Structure, sparsity: float) -> str | None:
        if not isinstance(target.module, nn.Linear) or target.name != "weight":
            return (
                f"the rule both_ways changes the backward pass of Linear modules, and it is of a "
                f"{type(target.module).__name__}; name other sites"
            )
        out, inputs = target.shape
        along_outputs = structure.objection((inputs, out), sparsity)
        return along_outputs and f"along its outputs, {along_outputs}"

    def backward_mask(
        self, weight: Float[Tensor, "out in"], structure: Structure, sparsity: float
    ) -> Bool[Tensor, "out in"] | None:
        return structure.mask(weight.detach().float().abs().T, sparsity).T
