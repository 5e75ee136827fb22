"""Keys at power-of-two distances."""

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
@component("powers_of_two")
class PowersOfTwo(Geometry):
    """Keys at the distances 1, 2, 4, ..., a window, and sinks.

        i reads j  <=>  |i - j| < window  or  |i - j| = 2^n  or  j < sinks

    The reach doubles with every layer: d layers of window 1 read all distances below 2^d.

    Source: Chen et al. 2025, PowerAttention: exponentially scaling of receptive fields for
    effective sparse attention, section 3.
    """

    knob = Knob("window", 1, None, is_count=True)

    def __init__(self, window: int = 1, sinks: int = 0) -> None:
        if window < 1 or sinks < 0:
            raise ConfigError(
                f"got a window of {window} keys and {sinks} sinks, expected at least 1 and 0"
            )
        super().__init__(window=window, sinks=sinks)
        self.window, self.sinks = window, sinks

    def always(self, grid: UnitGrid, heads: int) -> Bool[Tensor, "b h query_units key_units"]:
        nearest, farthest = grid.distances
        inside = (nearest < self.window) & (farthest > -self.window)
        power = 1
        while power <= int(farthest.max()):
            inside |= (nearest <= power) & (power <= farthest)
            inside |= (-farthest <= power) & (power <= -nearest)
            power *= 2
        return inside | (grid.first_positions < self.sinks)[:, :, None]
