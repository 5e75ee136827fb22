"""The part of the error that the model's loss notices."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.term import Term


@final
@component("gradient_mse")
class GradientMSE(Term):
    """Squared error along the gradient of the model's loss, mean over rows.

    The error times the gradient is, to first order, what the reconstruction changes of the loss:
    the end-to-end loss without a run of the model. Gradients are divided by the batch's root mean
    square length, so that long ones count for more and their unit for nothing. It sees one
    direction a row, so it goes with 'mse'. Our own simplification, of no paper that we know.
    """

    needs = frozenset({"gradient"})

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def incompatibility(self, composition: Composition) -> str | None:
        if composition.out_dims is None:
            return None
        return (
            "gradient_mse weighs the error of what is read, where the gradient was taken, and this "
            "dictionary reconstructs another site; leave writes out"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        batch_gradient = required(step.batch.gradient, "gradient")
        # A step along normalised activations is `scale` times as long in raw ones.
        gradient = batch_gradient * step.normalisation.scale
        size = gradient.square().sum(1).mean().clamp_min(1e-30)
        change = ((step.reconstruction - step.target) * gradient).sum(1)
        return change.square().mean() / size
