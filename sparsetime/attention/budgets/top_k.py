"""Budget of a number of keys."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.attention.budgets.budget import Budget, first_units
from sparsetime.attention.component import Knob
from sparsetime.attention.grid import UnitGrid
from sparsetime.components import component
from sparsetime.errors import ConfigError

# Units of a row from which on numpy's selection is the faster one.
_LONG_ROW = 1024


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
        unread = score.isneginf()
        ranked = torch.where(always & ~unread, torch.inf, score) if bool(always.any()) else score
        size = grid.equal_size
        if size is not None:  # equal units need no full sort
            count = min(-(-self.keys // size), grid.key_units)
            kept = largest(ranked, count)
        else:
            kept = first_units(ranked, grid.key_sizes, self.keys)
        return (kept & ~unread) | always


def largest(values: Float[Tensor, "*rows n"], count: int) -> Bool[Tensor, "*rows n"]:
    """Mask of the `count` largest entries of each row; of equal ones at the bound any in long rows.

    numpy finds the bound of a long row by vectorised selection, in a seventh of torch.topk's time.
    """
    if values.device.type != "cpu" or values.shape[-1] < _LONG_ROW:
        best = values.topk(count, -1, sorted=False).indices
        return torch.zeros_like(values, dtype=torch.bool).scatter_(-1, best, True)
    array = values.detach().float().numpy()
    bound = np.partition(array, -count, -1)[..., -count, None]
    kept = array >= bound
    surplus = kept.sum(-1, keepdims=True) - count
    if surplus.any():  # entries equal to the bound: the first ones are left out
        ties = array == bound
        kept &= ~(ties & (ties.cumsum(-1) <= surplus))
    return torch.from_numpy(kept)
