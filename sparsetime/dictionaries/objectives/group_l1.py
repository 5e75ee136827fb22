"""Group lasso over related rows."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.pair_codes import in_partner
from sparsetime.dictionaries.objectives.term import Term


@final
@component("group_l1", example={"weight": 0.1})
class GroupL1(Term):
    """Group lasso over the two values of each latent in a row and in its partner row.

        loss = 1 / n · Σ_{pair, i} sqrt(z_i² + z'_i²)

    A latent that is active in both rows costs less than two latents that are active in one row
    each, so a pair of related rows is encoded by few shared latents.

    Source: Yuan and Lin 2006, Model selection and estimation in regression with grouped variables,
    for the penalty; sharing among related inputs after SparseJEPA (2025), written from its
    abstract.
    """

    needs = frozenset({"earlier"})
    latent_tensors = frozenset()
    divides_rows = True
    is_sparsity_penalty = True

    def __init__(self, weight: float) -> None:
        super().__init__(weight=weight)

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        earlier = required(step.earlier, "earlier")
        other, _ = in_partner(step.code, earlier)
        _, shared = in_partner(earlier, step.code)
        # Where both are zero the root has no gradient, and a ReLU's entries may be exactly zero.
        norms = (step.values.square() + other.square()).clamp_min(1e-12).sqrt().sum()
        alone = (earlier.values.abs() * ~shared).sum()
        return step.per_row(norms + alone)
