"""Related rows should use the same latents."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.pair_codes import in_partner
from sparsetime.dictionaries.objectives.term import Term


@final
@component("group_l1", example={"weight": 0.1})
class GroupL1(Term):
    """Sum over latents of the length of (strength in a row, strength in its partner), mean of rows.

    A latent that is on in both rows costs less than two that are on in one each, so that a pair of
    related rows settles on few latents that they share (the group lasso, with a group for every
    latent of a pair).

    Source: Yuan and Lin 2006 for the penalty; sharing among related inputs after SparseJEPA
    (2025), written from its abstract.
    """

    needs = frozenset({"earlier"})
    is_sparsity_penalty = True

    def __init__(self, weight: float) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        earlier = required(step.earlier, "earlier")
        other, _ = in_partner(step.code, earlier)
        _, shared = in_partner(earlier, step.code)
        # Where both are zero the length has no gradient; a ReLU's entries may be exactly zero.
        lengths = (step.values.square() + other.square()).clamp_min(1e-12).sqrt().sum()
        alone = (earlier.values.abs() * ~shared).sum()
        return (lengths + alone) / step.x.shape[0]
