"""Budget of one number of keys for all heads and queries of every layer."""

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
@component("layer_keys")
class LayerKeys(Budget):
    """One set of units for all heads and queries of a layer, of about `keys` keys.

        keep = the first units in order of m until they hold `keys` keys
        m(J) = mean_{h, I} s_h(I, J)

    The fixed counterpart of `layer_mass`.

    Source: Chen et al. 2024, An image is worth 1/2 tokens after layer 2 (FastV), section 4, as the
    fixed ratio that ZipVL (He et al. 2024, section 5) is compared with.
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
        readable = ~score.isneginf()
        of_layer = shares(score, grid, is_mass).mean((1, 2), keepdim=True)
        return (first_units(of_layer, grid.key_sizes, self.keys) & readable) | always
