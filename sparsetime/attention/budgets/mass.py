"""Budget of a share of the estimated attention mass."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.attention.budgets.budget import Budget, first_units
from sparsetime.attention.component import Knob
from sparsetime.attention.grid import UnitGrid
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("mass")
class Mass(Budget):
    """The fewest units that hold a share of the estimated attention mass of each tile.

        keep(I) = the first units in order of s(I, ·) until sum_J s(I, J) >= mass

    Scores that are no shares of mass become shares by a softmax over units, in which a unit counts
    by its number of keys.

    Source: Lai et al. 2025, FlexPrefill: a context-aware sparse attention mechanism, algorithm 3.
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
        share = shares(score, grid, is_mass)
        readable = ~score.isneginf()
        if self.mass >= 1:
            return readable | always
        ranked = torch.where(always & readable, torch.inf, share.masked_fill(~readable, -torch.inf))
        return (first_units(ranked, share, self.mass) & readable) | always


def shares(
    score: Float[Tensor, "b h query_units key_units"], grid: UnitGrid, is_mass: bool
) -> Float[Tensor, "b h query_units key_units"]:
    """Scores as shares of attention mass, which sum to 1 over the units of keys."""
    if is_mass:
        mass = score.masked_fill(score.isneginf(), 0.0)
        return mass / mass.sum(-1, keepdim=True).clamp(min=1e-30)
    return (score + grid.key_sizes.log()).softmax(-1).nan_to_num(0.0)
