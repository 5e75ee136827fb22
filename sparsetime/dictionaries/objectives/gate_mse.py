"""Reconstruction error from the gates of a gated encoder alone."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.gate_l1 import gate_incompatibility
from sparsetime.dictionaries.objectives.term import Term


@final
@component("gate_mse")
class GateMSE(Term):
    """Reconstruction error from the gates' positive pre-activations, through a frozen decoder.

        loss = mean_n ||x_n - (relu(pi_n) · stopgrad(D) + stopgrad(b))||²,    pi: gates before relu

    It trains the gates: a magnitude has no gradient through the decision of its gate.

    Source: Rajamanoharan et al. 2024, Improving Dictionary Learning with Gated Sparse
    Autoencoders, arXiv:2404.16014.
    """

    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight=weight)

    def incompatibility(self, composition: Composition) -> str | None:
        return gate_incompatibility(self.kind, composition)

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        decoder = step.decoder
        atoms = decoder.vectors().detach()
        decoded = kernels.decode(step.pre.relu(), step.support, atoms)
        by_gates = step.partition.over_latents(decoded) + decoder.bias.detach()
        return step.partition.over_rows((by_gates - step.target).square().sum(1).mean())
