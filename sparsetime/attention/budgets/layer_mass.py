"""Budget of one number of keys a layer, from its attention mass."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.attention.budgets.budget import Budget, first_units
from sparsetime.attention.budgets.mass import shares
from sparsetime.attention.component import Knob
from sparsetime.attention.grid import UnitGrid
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("layer_mass")
class LayerMass(Budget):
    """One set of units for all heads and queries of a layer: the fewest that hold a share of mass.

        keep = the first units in order of m until sum_J m(J) >= mass
        m(J) = mean_{h, I} s_h(I, J)

    A layer with spread attention keeps more, one with peaked attention fewer.

    Source: He et al. 2024, ZipVL: efficient large vision-language models with dynamic token
    sparsification and KV cache compression, equation 4.
    """

    knob = Knob("mass", 0.0, 1.0, is_count=False)

    def __init__(self, mass: float = 0.95) -> None:
        if not 0 <= mass <= 1:
            raise ConfigError(f"got mass={mass}, expected a share of attention mass from 0 to 1")
        super().__init__(mass=mass)
        self.mass = mass

    def keep(
        self,
        score: Float[Tensor, "b h query_units key_units"],
        always: Bool[Tensor, "b h query_units key_units"],
        grid: UnitGrid,
        is_mass: bool,
    ) -> Bool[Tensor, "b h query_units key_units"]:
        readable = ~score.isneginf()
        if self.mass >= 1:
            return readable | always
        of_layer = shares(score, grid, is_mass).mean((1, 2), keepdim=True)
        return (first_units(of_layer, of_layer, self.mass) & readable) | always
