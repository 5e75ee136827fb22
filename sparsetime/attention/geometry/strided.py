"""Strided and fixed factorised attention."""

from __future__ import annotations

from typing import Literal, final

from jaxtyping import Bool
from torch import Tensor

from sparsetime.attention.geometry.geometry import Geometry
from sparsetime.attention.grid import UnitGrid
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("strided")
class Strided(Geometry):
    """Factorised attention over single keys: a local part and a part that carries over strides.

        strided:  i - j < stride   or   (i - j) mod stride = 0
        fixed:    floor(i / stride) = floor(j / stride)   or   j mod stride >= stride - summary

    Both parts together, in every head. Two hops reach every earlier key. For units of one key.

    Source: Child et al. 2019, Generating long sequences with sparse transformers, section 4.3.
    """

    def __init__(
        self, stride: int = 16, form: Literal["strided", "fixed"] = "strided", summary: int = 1
    ) -> None:
        if stride < 1 or not 1 <= summary <= stride:
            raise ConfigError(
                f"got stride={stride} and summary={summary}, expected 1 or more, and a summary of "
                "at most the stride"
            )
        super().__init__(stride=stride, form=form, summary=summary)
        self.stride, self.form, self.summary = stride, form, summary

    def always(self, grid: UnitGrid, heads: int) -> Bool[Tensor, "b h query_units key_units"]:
        distance, _ = grid.distances
        if self.form == "strided":
            return (distance.abs() < self.stride) | (distance % self.stride == 0)
        query, key = grid.query_positions[grid.query_bounds[:-1], None], grid.key_bounds[:-1]
        local = query // self.stride == key // self.stride
        return (local | (key % self.stride >= self.stride - self.summary))[None, None]
