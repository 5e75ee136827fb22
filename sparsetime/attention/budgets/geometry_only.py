"""Budget of policies that choose by position alone."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.attention.budgets.budget import Budget
from sparsetime.attention.grid import UnitGrid
from sparsetime.components import component


@final
@component("geometry_only")
class GeometryOnly(Budget):
    """Nothing beside the units of the geometry.

        keep(I) = always(I)

    Source: none; the neutral element of this role.
    """

    def __init__(self) -> None:
        super().__init__()

    def keep(
        self,
        score: Float[Tensor, "b h query_units key_units"],
        always: Bool[Tensor, "b h query_units key_units"],
        grid: UnitGrid,
        is_mass: bool,
    ) -> Bool[Tensor, "b h query_units key_units"]:
        return always
