"""Grid of units: the tiles of queries and units of keys among which a policy chooses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.key_range import KeyRange, extremes

Reduction = Literal["max", "mean", "sum"]


@final
@dataclass(frozen=True, eq=False)
class UnitGrid:
    """Units of queries and of keys, and which pairs of them hold a readable key.

    query_bounds: int64 [query_units + 1]; key_bounds: int64 [key_units + 1]. query_positions: the
    position of every query among the keys.
    """

    query_bounds: Int[Tensor, " query_units_plus_1"]
    key_bounds: Int[Tensor, " key_units_plus_1"]
    readable: KeyRange
    query_positions: Int[Tensor, " queries"]

    @property
    def query_units(self) -> int:
        return self.query_bounds.shape[0] - 1

    @property
    def key_units(self) -> int:
        return self.key_bounds.shape[0] - 1

    @cached_property
    def some(self) -> Bool[Tensor, "b h query_units key_units"]:
        """Pairs of units in which a query may read a key."""
        return self.readable.of_units(self.query_bounds, self.key_bounds)[0]

    @cached_property
    def key_sizes(self) -> Int[Tensor, " key_units"]:
        return self.key_bounds.diff()

    @cached_property
    def query_sizes(self) -> Int[Tensor, " query_units"]:
        return self.query_bounds.diff()

    @cached_property
    def distances(self) -> tuple[Int[Tensor, "b h m n"], Int[Tensor, "b h m n"]]:
        """Least and greatest distance from a query back to a key, of every pair of units."""
        nearest, farthest = extremes(self.query_positions[None, None], self.query_bounds)
        first, last = self.readable.position_extremes(self.key_bounds)
        return nearest[..., None] - last[:, :, None], farthest[..., None] - first[:, :, None]

    @cached_property
    def first_positions(self) -> Int[Tensor, "b h key_units"]:
        """The position of the earliest key of every unit."""
        return self.readable.position_extremes(self.key_bounds)[0]

    @cached_property
    def equal_size(self) -> int | None:
        """The size of all units of keys but a shorter last one; None where they differ."""
        sizes = self.key_sizes
        size = int(sizes[0])
        return size if bool((sizes[:-1] == size).all() and sizes[-1] <= size) else None

    def over_keys(
        self, values: Float[Tensor, "*lead keys n"], reduction: Reduction
    ) -> Float[Tensor, "*lead key_units n"]:
        """Values of single keys, reduced over each unit of keys."""
        return _reduced(values, self.key_bounds, reduction)

    def over_queries(
        self, values: Float[Tensor, "*lead queries n"], reduction: Reduction
    ) -> Float[Tensor, "*lead query_units n"]:
        """Values of single queries, reduced over each tile."""
        return _reduced(values, self.query_bounds, reduction)


def _reduced(values: Tensor, bounds: Tensor, reduction: Reduction) -> Tensor:
    """Reduction over units of the axis before the last."""
    lengths = bounds.diff()
    units, size = lengths.shape[0], int(lengths[0]) if lengths.numel() else 1
    if units == values.shape[-2]:
        return values
    lead, n = values.shape[:-2], values.shape[-1]
    if bool((lengths == size).all()):
        shaped = values.reshape(*lead, units, size, n)
        if reduction == "max":
            return shaped.amax(-2)
        return shaped.mean(-2) if reduction == "mean" else shaped.sum(-2)
    unit = torch.arange(units, device=bounds.device).repeat_interleave(lengths)
    index = unit[:, None].expand(*lead, -1, n)
    out = values.new_zeros(*lead, units, n)
    kind = {"max": "amax", "mean": "mean", "sum": "sum"}[reduction]
    return out.scatter_reduce(-2, index, values, kind, include_self=False)
