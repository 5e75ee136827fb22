"""Geometry that reads no key by position."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool
from torch import Tensor

from sparsetime.attention.geometry.geometry import Geometry
from sparsetime.attention.grid import UnitGrid
from sparsetime.components import component


@final
@component("no_geometry")
class NoGeometry(Geometry):
    """No key is read by its position alone.

        always = {}

    Source: none; the neutral element of this role.
    """

    def __init__(self) -> None:
        super().__init__()

    def always(self, grid: UnitGrid, heads: int) -> Bool[Tensor, "b h query_units key_units"]:
        shape = (1, 1, grid.query_units, grid.key_units)
        return torch.zeros(shape, dtype=torch.bool, device=grid.key_bounds.device)
