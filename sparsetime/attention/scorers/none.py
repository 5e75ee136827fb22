"""Scorer of policies that choose by position alone."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.scorers.scorer import Scorer
from sparsetime.components import component


@final
@component("no_score")
class NoScore(Scorer):
    """The same score for every unit: a budget then keeps nothing beside the geometry.

        s(I, J) = 0

    Source: none; the neutral element of this role.
    """

    def __init__(self) -> None:
        super().__init__()

    def score(
        self, inputs: AttentionInputs, grid: UnitGrid
    ) -> Float[Tensor, "b heads query_units key_units"]:
        return inputs.q.new_zeros(1, 1, 1, 1).float().expand(1, 1, grid.query_units, grid.key_units)
