"""Neighbourhood attention in one to three dimensions, with stride, dilation and causal axes."""

from __future__ import annotations

import math
from typing import final

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from sparsetime.attention.geometry.geometry import Geometry
from sparsetime.attention.grid import UnitGrid
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("neighbourhood", example={"shape": [4, 4], "window": [3, 3]})
class Neighbourhood(Geometry):
    """Generalised neighbourhood attention over the cells of a grid, in C order.

        i reads j  <=>  on every axis   start(i) <= j < start(i) + window,
        start(i) = clip(leader(i) - floor(window / 2), 0, shape - window)

    leader(i): the middle cell of the group of `stride` cells that i lies in; groups share a window,
    so stride = 1 slides and stride = window is blocked attention. On a causal axis the window ends
    at the query. For units of one key.

    Source: Hassani et al. 2025, multi-dimensional sparse attention (arXiv:2504.16922), section 3.
    """

    def __init__(
        self,
        shape: list[int],
        window: list[int],
        stride: list[int] | None = None,
        causal: list[bool] | None = None,
    ) -> None:
        stride = stride or [1] * len(shape)
        causal = causal or [False] * len(shape)
        if not 1 <= len(shape) <= 3 or not len(shape) == len(window) == len(stride) == len(causal):
            raise ConfigError(
                f"got shape={shape}, window={window}, stride={stride} and causal={causal}, "
                "expected one number an axis, for one to three axes"
            )
        for size, width, step in zip(shape, window, stride, strict=True):
            if not 1 <= step <= width <= size:
                raise ConfigError(
                    f"got an axis of {size} cells with window {width} and stride {step}, expected "
                    "1 <= stride <= window <= cells"
                )
        super().__init__(shape=shape, window=window, stride=stride, causal=causal)
        self.shape, self.window, self.stride, self.on_axis = shape, window, stride, causal

    def always(self, grid: UnitGrid, heads: int) -> Bool[Tensor, "b h query_units key_units"]:
        cells = math.prod(self.shape)
        if (grid.query_units, grid.key_units) != (cells, cells):
            raise ConfigError(
                f"got {grid.query_units} tiles of queries and {grid.key_units} units of keys for "
                f"the {cells} cells of shape={self.shape}; use units of one key"
            )
        return self.mask()[None, None].to(grid.key_bounds.device)

    def mask(self) -> Bool[Tensor, "cells cells"]:
        """The cells that every cell reads."""
        places = torch.arange(math.prod(self.shape))
        read = torch.ones(len(places), len(places), dtype=torch.bool)
        after = math.prod(self.shape)
        for size, window, stride, causal in zip(
            self.shape, self.window, self.stride, self.on_axis, strict=True
        ):
            after //= size
            at = places // after % size
            start, stop = window_of(at, size, window, stride, causal)
            read &= (start[:, None] <= at) & (at < stop[:, None])
        return read


def window_of(
    at: Int[Tensor, " n"], size: int, window: int, stride: int, causal: bool
) -> tuple[Int[Tensor, " n"], Int[Tensor, " n"]]:
    """First and last cell (exclusive) of the window of each cell on one axis."""
    group = at // stride * stride
    if causal:
        # The last cell of the group sets the window; each query ends at itself.
        leader = (group + stride - 1).clamp(max=size - 1)
        return (leader - window + 1).clamp(min=0), at + 1
    leader = (group + stride // 2).clamp(max=size - 1)
    start = (leader - window // 2).clamp(0, size - window)
    return start, start + window
