"""L1 penalty on the gates of a gated encoder."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.sparsifiers.gated import GatedBase


@final
@component("gate_l1", example={"weight": 0.1})
class GateL1(Term):
    """L1 penalty on the positive pre-activations of the gates of a gated encoder.

        loss = 1 / n · Σ_{row, i} relu(pi_i),    pi: gate pre-activations

    The magnitudes are not penalised, so they are not shrunk.

    Source: Rajamanoharan et al. 2024, Improving Dictionary Learning with Gated Sparse
    Autoencoders, arXiv:2404.16014.
    """

    is_sparsity_penalty = True
    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, weight: float) -> None:
        super().__init__(weight=weight)

    def incompatibility(self, composition: Composition) -> str | None:
        return gate_incompatibility(self.kind, composition)

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        return step.per_row(step.pre.relu().sum())


def gate_incompatibility(kind: str, composition: Composition) -> str | None:
    """The reason why a term of gates does not fit a composition; None where it fits."""
    if isinstance(composition.sparsifier.innermost, GatedBase):
        return None
    return (
        f"got the sparsifier {composition.sparsifier.kind!r} without gates, expected one with "
        f"gates for the term {kind!r}; take the sparsifier 'gated', or the term 'l1'"
    )
