"""Mean squared reconstruction error."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term


@final
@component("mse")
class MSE(Term):
    """Squared reconstruction error, summed over dimensions, mean over rows.

        loss = mean_n ||x_n - x̂_n||²

    Activations are normalised to a mean squared distance of 1 from their mean, so the loss is
    close to the fraction of variance unexplained.

    Source: the reconstruction term of every sparse autoencoder.
    """

    is_reconstruction = True
    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight=weight)

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        return step.partition.over_rows(step.squared_error())
