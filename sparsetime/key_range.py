"""Ranges of keys: which positions each query may read, for causal, padded and packed sequences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import torch
from jaxtyping import Bool, Int
from torch import Tensor


@final
@dataclass(frozen=True)
class KeyRange:
    """Positions of the keys that each query may read: `first <= position <= last`.

    A causal query at position t has last = t; padding on the left raises first, packed documents
    and exact windows too. Summaries of blocks and permuted keys have positions of their own.

    first, last: int64 [batch or 1, heads or 1, queries]; positions: int64 [batch or 1, heads or 1,
    keys].
    """

    first: Int[Tensor, "b h queries"]
    last: Int[Tensor, "b h queries"]
    positions: Int[Tensor, "b2 h2 keys"]

    @staticmethod
    def causal(queries: int, keys: int, device: torch.device | str = "cpu") -> KeyRange:
        """The last query reads every key, and each query before it one key less."""
        last = torch.arange(keys - queries, keys, device=device).expand(1, 1, queries)
        return KeyRange(torch.zeros_like(last), last, torch.arange(keys, device=device)[None, None])

    @staticmethod
    def causal_from_start(queries: int, keys: int, device: torch.device | str = "cpu") -> KeyRange:
        """Query i reads the keys up to i, as torch's `is_causal=True` does."""
        last = torch.arange(queries, device=device).clamp(max=keys - 1).expand(1, 1, queries)
        return KeyRange(torch.zeros_like(last), last, torch.arange(keys, device=device)[None, None])

    @staticmethod
    def bidirectional(queries: int, keys: int, device: torch.device | str = "cpu") -> KeyRange:
        """Every query reads every key."""
        last = torch.full((1, 1, queries), keys - 1, device=device)
        return KeyRange(torch.zeros_like(last), last, torch.arange(keys, device=device)[None, None])

    @property
    def queries(self) -> int:
        return self.last.shape[-1]

    @property
    def keys(self) -> int:
        return self.positions.shape[-1]

    @property
    def limits(self) -> tuple[Int[Tensor, "b h queries"], Int[Tensor, "b h queries"]]:
        return self.first, self.last

    def allowed(self) -> Bool[Tensor, "b3 h3 queries keys"]:
        """The readable keys as a dense mask."""
        at = self.positions[:, :, None]
        return (self.first[..., None] <= at) & (at <= self.last[..., None])

    def pairs(self) -> Int[Tensor, "b3 h3"]:
        """Number of readable pairs of a query and a key, for every sequence and head."""
        shape = torch.broadcast_shapes(self.positions.shape[:2], self.last.shape[:2])
        at = self.positions.sort(2).values.expand(*shape, -1).contiguous()
        first, last = (limit.expand(*shape, -1).contiguous() for limit in self.limits)
        counts = torch.searchsorted(at, last, right=True) - torch.searchsorted(at, first)
        return counts.clamp(min=0).sum(2)

    def repeat_heads(self, heads: int) -> KeyRange:
        """The same ranges for more heads, of which consecutive ones share a range."""
        return KeyRange(
            *(
                t if t.shape[1] == 1 else t.repeat_interleave(heads // t.shape[1], 1)
                for t in (self.first, self.last, self.positions)
            )
        )

    @cached_property
    def is_in_order(self) -> bool:
        """Whether the position of every key is its place."""
        place = torch.arange(self.keys, device=self.positions.device)
        return self.positions.shape[:2] == (1, 1) and torch.equal(self.positions[0, 0], place)

    def position_extremes(
        self, key_bounds: Int[Tensor, " n"]
    ) -> tuple[Int[Tensor, "b h m"], Int[Tensor, "b h m"]]:
        """Smallest and largest position of every unit of keys."""
        if self.is_in_order:  # a decoding step must not read a position for every cached key
            return key_bounds[None, None, :-1], key_bounds[None, None, 1:] - 1
        return extremes(self.positions, key_bounds)

    def of_units(
        self, query_bounds: Int[Tensor, " m"], key_bounds: Int[Tensor, " n"]
    ) -> tuple[Bool[Tensor, "b3 h3 m2 n2"], Bool[Tensor, "b3 h3 m2 n2"]]:
        """Pairs of units in which a query may read a key, and those in which all read all."""
        latest, earliest = extremes(self.last, query_bounds), extremes(self.first, query_bounds)
        at = self.position_extremes(key_bounds)
        some = (earliest[0][..., None] <= at[1][:, :, None]) & (
            at[0][:, :, None] <= latest[1][..., None]
        )
        every = (earliest[1][..., None] <= at[0][:, :, None]) & (
            at[1][:, :, None] <= latest[0][..., None]
        )
        return some, some & every


def extremes(
    values: Int[Tensor, "b h n"], bounds: Int[Tensor, " m"]
) -> tuple[Int[Tensor, "b h m2"], Int[Tensor, "b h m2"]]:
    """Smallest and largest value of every unit."""
    lengths = bounds.diff()
    unit = torch.arange(lengths.shape[0], device=bounds.device).repeat_interleave(lengths)
    index = unit.expand_as(values)
    out = values.new_zeros(*values.shape[:2], lengths.shape[0])
    return (
        out.scatter_reduce(2, index, values, "amin", include_self=False),
        out.scatter_reduce(2, index, values, "amax", include_self=False),
    )
