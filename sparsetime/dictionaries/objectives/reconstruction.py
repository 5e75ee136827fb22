"""How far the reconstruction is from the activation."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.part import part
from sparsetime.dictionaries.step import Step


@part("mse")
class MSE(Term):
    """Squared error, summed over dimensions, mean over rows.

    Activations are normalised to mean squared distance 1 from their mean, so that this is close
    to the fraction of variance unexplained.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def loss(self, step: Step) -> Float[Tensor, ""]:
        return (step.reconstruction - step.x).square().sum(1).mean()


@part("nested_mse")
class NestedMSE(Term):
    """The squared error of every nested prefix of latents, averaged over the prefixes.

    Source: Bussmann et al. 2025, Learning Multi-Level Features with Matryoshka Sparse
    Autoencoders, arXiv:2503.17547.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def loss(self, step: Step) -> Float[Tensor, ""]:
        return (step.nested - step.x).square().sum(2).mean()
