"""The sum of how far gates are open."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.sparsifiers.gated import Gated


@final
@component("gate_l1", example={"weight": 0.1})
class GateL1(Term):
    """Sum of the gates' positive pre-activations, mean over rows: strengths are not held down.

    Source: Rajamanoharan et al. 2024, arXiv:2404.16014.
    """

    is_sparsity_penalty = True

    def __init__(self, weight: float) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def incompatibility(self, composition: Composition) -> str | None:
        return gate_incompatibility(self.kind, composition)

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        return step.pre.relu().sum() / step.x.shape[0]


def gate_incompatibility(kind: str, composition: Composition) -> str | None:
    """What terms about gates say to a dictionary without them."""
    if isinstance(composition.sparsifier.innermost, Gated):
        return None
    return (
        f"the term {kind!r} is about gates and the sparsifier {composition.sparsifier.kind!r} has "
        "none: take the sparsifier 'gated', or the term 'l1'"
    )
