"""Sliding window with attention sinks."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool
from torch import Tensor

from sparsetime.attention.component import Knob
from sparsetime.attention.geometry.geometry import Geometry
from sparsetime.attention.grid import UnitGrid
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("window")
class Window(Geometry):
    """Sliding window: the last `size` keys, and the first `sinks` ones.

        i reads j  <=>  |i - j| < size  or  j < sinks

    A unit is read if one of its keys is, so with wide units the window is rounded up.

    Source: Xiao et al. 2023, Efficient streaming language models with attention sinks, section 3.
    """

    knob = Knob("size", 1, None, is_count=True)

    def __init__(self, size: int = 64, sinks: int = 0) -> None:
        if size < 1 or sinks < 0:
            raise ConfigError(
                f"got a window of {size} keys and {sinks} sinks, expected at least 1 and 0"
            )
        super().__init__(size=size, sinks=sinks)
        self.size, self.sinks = size, sinks

    def always(self, grid: UnitGrid, heads: int) -> Bool[Tensor, "b h query_units key_units"]:
        nearest, farthest = grid.distances
        inside = (nearest < self.size) & (farthest > -self.size)
        return inside | (grid.first_positions < self.sinks)[:, :, None]
