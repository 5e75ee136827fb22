"""Squared reconstruction error along the gradient of the model's loss."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.term import Term


@final
@component("gradient_mse")
class GradientMSE(Term):
    """Squared reconstruction error along the gradient of the model's loss.

        loss = mean_n ((x̂_n - x_n) · g_n)² / mean_n ||g_n||²,   g: gradient of the loss at x

    The inner product is, to first order, the change of the model's loss under the reconstruction:
    the end-to-end loss without a run of the model. Division by the mean square makes the unit of g
    irrelevant. It sees one direction a row, so it accompanies 'mse'.

    Source: this library's own simplification; no paper is known to us.
    """

    needs = frozenset({"gradient"})
    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight=weight)

    def incompatibility(self, composition: Composition) -> str | None:
        if composition.out_dims is None:
            return None
        return (
            "got a dictionary that reconstructs another site than it reads, expected one that "
            "reconstructs its input, where the term 'gradient_mse' has its gradient; leave "
            "out_dims out"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        batch_gradient = required(step.batch.gradient, "gradient")
        # A step along normalised activations is `scale` times as long in raw ones.
        gradient = batch_gradient * step.normalisation.scale
        size = step.partition.over_rows(gradient.square().sum(1).mean()).clamp_min(1e-30)
        change = ((step.reconstruction - step.target) * gradient).sum(1)
        return step.partition.over_rows(change.square().mean()) / size
