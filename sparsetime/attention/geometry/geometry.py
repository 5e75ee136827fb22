"""Base class of geometries: the role that names keys read whatever they hold."""

from __future__ import annotations

from abc import abstractmethod

from jaxtyping import Bool
from torch import Tensor

from sparsetime.attention.component import AttentionComponent
from sparsetime.attention.grid import UnitGrid


class Geometry(AttentionComponent):
    """Chooses units of keys by position alone."""

    role = "geometry"

    @abstractmethod
    def always(self, grid: UnitGrid, heads: int) -> Bool[Tensor, "b h query_units key_units"]:
        """Pairs of units that are read; heads is 1 where all heads read the same ones."""
