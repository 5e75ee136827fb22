"""Budget of a number of keys."""

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
@component("top_keys")
class TopKeys(Budget):
    """The units of highest score, up to a number of keys for every tile.

        keep(I) = the first units in order of s(I, ·) until they hold `keys` keys

    Units of the geometry come first and count. At least one unit is kept; the last one may exceed
    the number.

    Source: Gupta et al. 2021, Memory-efficient transformers via top-k attention, equation 3.
    """

    knob = Knob("keys", 1, None, is_count=True)

    def __init__(self, keys: int = 64) -> None:
        if keys < 1:
            raise ConfigError(f"got a budget of {keys} keys, expected at least 1")
        super().__init__(keys=keys)
        self.keys = keys

    def keep(
        self,
        score: Float[Tensor, "b h query_units key_units"],
        always: Bool[Tensor, "b h query_units key_units"],
        grid: UnitGrid,
        is_mass: bool,
    ) -> Bool[Tensor, "b h query_units key_units"]:
        ranked = torch.where(always & ~score.isneginf(), torch.inf, score)
        size = grid.equal_size
        if size is not None:  # equal units need no full sort
            count = min(-(-self.keys // size), grid.key_units)
            best = ranked.topk(count, -1, sorted=False).indices
            kept = torch.zeros_like(ranked, dtype=torch.bool).scatter_(-1, best, True)
        else:
            kept = first_units(ranked, grid.key_sizes, self.keys)
        return (kept & ~score.isneginf()) | always
