"""What the gates alone would reconstruct."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.gate_l1 import gate_incompatibility
from sparsetime.dictionaries.objectives.term import Term


@final
@component("gate_mse")
class GateMSE(Term):
    """Squared error with the gates' positive pre-activations as strengths; the atoms stay still.

    Without it nothing would open a gate: the strength has no gradient through the decision.

    Source: Rajamanoharan et al. 2024, arXiv:2404.16014.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def incompatibility(self, composition: Composition) -> str | None:
        return gate_incompatibility(self.kind, composition)

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        atoms = step.decoder
        vectors = atoms.vectors().detach()
        guess = kernels.decode(step.pre.relu(), step.support, vectors) + atoms.bias.detach()
        return (guess - step.target).square().sum(1).mean()
