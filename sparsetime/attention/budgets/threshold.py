"""Budget of a threshold on scores."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.attention.budgets.budget import Budget
from sparsetime.attention.budgets.mass import shares
from sparsetime.attention.component import Knob
from sparsetime.attention.grid import UnitGrid
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("threshold")
class Threshold(Budget):
    """Units whose share of the estimated attention mass is above a threshold.

        keep(I) = {J : s(I, J) > threshold}

    The unit of highest share is always kept.

    Source: Gao et al. 2024, SeerAttention: learning intrinsic sparse attention, section 3.
    """

    knob = Knob("threshold", 1.0, 0.0, is_count=False)

    def __init__(self, threshold: float = 0.01) -> None:
        if not 0 <= threshold <= 1:
            raise ConfigError(f"got threshold={threshold}, expected a share from 0 to 1")
        super().__init__(threshold=threshold)
        self.threshold = threshold

    def keep(
        self,
        score: Float[Tensor, "b h query_units key_units"],
        always: Bool[Tensor, "b h query_units key_units"],
        grid: UnitGrid,
        is_mass: bool,
    ) -> Bool[Tensor, "b h query_units key_units"]:
        readable = ~score.isneginf()
        if self.threshold <= 0:
            return readable | always
        share = shares(score, grid, is_mass).masked_fill(~readable, -1.0)
        kept = (share > self.threshold) | (share == share.amax(-1, keepdim=True))
        return (kept & readable) | always
