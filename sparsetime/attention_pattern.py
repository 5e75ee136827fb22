"""Attention patterns: which keys each query reads, as a support over units of queries and keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from sparsetime.errors import MismatchError
from sparsetime.key_range import KeyRange
from sparsetime.support import Support

# Pairs compared at once when entries are counted or listed, to bound the memory.
_PAIRS_AT_ONCE = 1 << 24


def bounds_of(length: int, unit: int, device: torch.device | str = "cpu") -> Int[Tensor, " m"]:
    """Bounds of units of equal size that cover a length; the last unit may be shorter."""
    starts = torch.arange(0, length, unit, device=device)
    return torch.cat([starts, starts.new_tensor([length])])


@final
@dataclass(frozen=True)
class AttentionPattern:
    """Attention pattern: the units of keys that each unit of queries reads.

    A query reads a key if their units are an entry of `support`, and the key's position lies in the
    query's range. Row `(b * heads + h) * query_units + i` of the support is unit i of the
    queries of head h in sequence b; a pattern of fewer heads, or of a batch of one, is shared.

    query_bounds: int64 [query_units + 1], the first query of every unit, and the number of queries;
    key_bounds: int64 [key_units + 1], likewise.

    Errors: MismatchError for a support of another number of rows, or of another width.
    """

    support: Support
    batch: int
    heads: int
    query_bounds: Int[Tensor, " query_units_plus_1"]
    key_bounds: Int[Tensor, " key_units_plus_1"]
    readable: KeyRange

    def __post_init__(self) -> None:
        rows = self.batch * self.heads * self.query_units
        if (self.support.rows, self.support.width) != (rows, self.key_units):
            raise MismatchError(
                f"got a support of {self.support.rows} rows and width {self.support.width}, "
                f"expected {rows} rows (batch {self.batch}, {self.heads} heads, {self.query_units} "
                f"units of queries) and width {self.key_units}, the units of keys"
            )
        for name, length in (("batch", self.batch), ("heads", self.heads)):
            axis = ("batch", "heads").index(name)
            sizes = {self.readable.last.shape[axis], self.readable.positions.shape[axis]}
            if not sizes <= {1, length}:
                raise MismatchError(
                    f"got a range of keys with {name} {sorted(sizes)}, expected 1 or {length}"
                )

    @property
    def query_units(self) -> int:
        return self.query_bounds.shape[0] - 1

    @property
    def key_units(self) -> int:
        return self.key_bounds.shape[0] - 1

    @property
    def queries(self) -> int:
        return self.readable.queries

    @property
    def keys(self) -> int:
        return self.readable.keys

    @staticmethod
    def of_units(
        chosen: Bool[Tensor, "batch heads query_units key_units"],
        query_bounds: Int[Tensor, " m"],
        key_bounds: Int[Tensor, " n"],
        readable: KeyRange,
    ) -> AttentionPattern:
        """The pattern of a dense mask over units; pairs without a readable key are dropped."""
        batch, heads, _, key_units = chosen.shape
        some, _ = readable.of_units(query_bounds, key_bounds)
        flat = (chosen & some).reshape(-1, key_units)
        counts = flat.sum(1)
        offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        support = Support(offsets, flat.nonzero()[:, 1], key_units)
        return AttentionPattern(support, batch, heads, query_bounds, key_bounds, readable)

    @staticmethod
    def of_mask(mask: Bool[Tensor, "batch heads queries keys"]) -> AttentionPattern:
        """The pattern of a dense mask over single queries and keys."""
        queries, keys = mask.shape[2:]
        device = mask.device
        return AttentionPattern.of_units(
            mask,
            bounds_of(queries, 1, device),
            bounds_of(keys, 1, device),
            KeyRange.bidirectional(queries, keys, device),
        )

    @staticmethod
    def full(readable: KeyRange, unit: int = 64) -> AttentionPattern:
        """Dense attention: every query reads every key of its readable."""
        query_bounds = bounds_of(readable.queries, unit, readable.last.device)
        key_bounds = bounds_of(readable.keys, unit, readable.last.device)
        some, _ = readable.of_units(query_bounds, key_bounds)
        return AttentionPattern.of_units(some, query_bounds, key_bounds, readable)

    def expand(self, batch: int, heads: int) -> AttentionPattern:
        """The same pattern with its batch or heads repeated to these numbers.

        Errors: MismatchError where a number is no multiple of the pattern's own.
        """
        if (batch, heads) == (self.batch, self.heads):
            return self
        if self.batch not in (1, batch) or heads % self.heads:
            raise MismatchError(
                f"got a pattern of batch {self.batch} and {self.heads} heads for batch {batch} and "
                f"{heads} heads, expected batch 1 or {batch}, and heads that divide {heads}"
            )
        rows = torch.arange(self.support.rows, device=self.support.offsets.device)
        rows = rows.reshape(self.batch, self.heads, 1, self.query_units)
        rows = rows.expand(batch, -1, heads // self.heads, -1).reshape(-1)
        counts = self.support.offsets.diff()[rows]
        offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        shift = (self.support.offsets[rows] - offsets[:-1]).repeat_interleave(counts)
        entries = shift + torch.arange(shift.shape[0], device=shift.device)
        support = Support(offsets, self.support.indices[entries], self.support.width)
        readable = self.readable.repeat_heads(heads)
        return replace(self, support=support, batch=batch, heads=heads, readable=readable)

    @cached_property
    def is_full(self) -> Bool[Tensor, " entries"]:
        """Entries all of whose queries read all of whose keys."""
        _, every = self.readable.of_units(self.query_bounds, self.key_bounds)
        shape = (self.batch, self.heads, self.query_units, self.key_units)
        flat = every.expand(shape).reshape(-1, self.key_units)
        return flat[self.support.row_of_entry, self.support.indices]

    def tokens(self) -> Support:
        """Single queries and keys: a support of batch * heads * queries rows over all keys."""
        mask = self.mask().reshape(-1, self.keys)
        counts = mask.sum(1)
        offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return Support(offsets, mask.nonzero()[:, 1], self.keys)

    def mask(self) -> Bool[Tensor, "batch heads queries keys"]:
        """The pattern as a dense mask; its memory grows with queries times keys."""
        units = torch.zeros(
            self.support.rows, self.key_units, dtype=torch.bool, device=self.support.offsets.device
        )
        units[self.support.row_of_entry, self.support.indices] = True
        mask = units.reshape(self.batch, self.heads, self.query_units, self.key_units)
        mask = mask.repeat_interleave(self.query_bounds.diff(), 2)
        return mask.repeat_interleave(self.key_bounds.diff(), 3) & self.readable.allowed()

    @property
    def pairs(self) -> int:
        """Number of pairs of a query and a key that it reads, over batch and heads."""
        return int(self.pairs_of_heads.sum())

    @cached_property
    def pairs_of_heads(self) -> Int[Tensor, "batch heads"]:
        """Number of pairs of a query and a key that each head reads."""
        query_sizes, key_sizes = self.query_bounds.diff(), self.key_bounds.diff()
        row = self.support.row_of_entry
        counts = query_sizes[row % self.query_units] * key_sizes[self.support.indices]
        partial = (~self.is_full).nonzero()[:, 0]
        widest = int(query_sizes.max()) * int(key_sizes.max())
        for entries in partial.split(max(1, _PAIRS_AT_ONCE // widest)):
            counts[entries] = self._allowed_in(entries).sum((1, 2))
        total = counts.new_zeros(self.batch * self.heads)
        place = row // self.query_units
        return total.index_add_(0, place, counts).reshape(self.batch, self.heads)

    @property
    def listed_keys(self) -> Int[Tensor, "batch heads"]:
        """Number of keys that the tiles of each head load, a key of two tiles twice."""
        sizes = self.key_bounds.diff()[self.support.indices]
        place = self.support.row_of_entry // self.query_units
        total = sizes.new_zeros(self.batch * self.heads)
        return total.index_add_(0, place, sizes).reshape(self.batch, self.heads)

    def _allowed_in(self, entries: Int[Tensor, " some"]) -> Bool[Tensor, "some m n"]:
        """Of every entry the pairs that the ranges allow, padded to the largest units."""
        row = self.support.row_of_entry[entries]
        queries, is_query = members(self.query_bounds, row % self.query_units)
        keys, is_key = members(self.key_bounds, self.support.indices[entries])
        allowed = self.allows(row // self.query_units, queries, keys)
        return allowed & is_query[..., None] & is_key[:, None]

    def allows(
        self, place: Int[Tensor, " some"], queries: Int[Tensor, "some m"], keys: Tensor
    ) -> Bool[Tensor, "some m n"]:
        """Pairs of queries [some, m] and keys [some, n] that are in range.

        place: the sequence and head of each, `b * heads + h`.
        """
        first, last = (_at(t, place, self.heads, queries) for t in self.readable.limits)
        at = _at(self.readable.positions, place, self.heads, keys)[:, None]
        return (first[..., None] <= at) & (at <= last[..., None])

    @property
    def sparsity(self) -> float:
        """Share of the readable pairs that the pattern leaves out."""
        return 1 - self.pairs / max(1, self.readable_pairs)

    @property
    def readable_pairs(self) -> int:
        """Number of pairs that dense attention reads, over batch and heads."""
        pairs = self.readable.pairs()
        return int(pairs.sum()) * self.batch * self.heads // pairs.numel()


def members(
    bounds: Int[Tensor, " m"], units: Int[Tensor, " some"]
) -> tuple[Int[Tensor, "some n"], Bool[Tensor, "some n"]]:
    """The members of units, padded to the largest with the last one, and which are no padding."""
    lengths = bounds.diff()[units]
    steps = torch.arange(int(lengths.max()) if lengths.numel() else 0, device=bounds.device)
    inside = steps < lengths[:, None]
    return bounds[units][:, None] + torch.minimum(steps, lengths[:, None] - 1), inside


def _at(
    values: Int[Tensor, "b h n"], place: Int[Tensor, " some"], heads: int, index: Tensor
) -> Int[Tensor, "some k"]:
    """Values at an index of each row, where row `place` is batch * heads + head."""
    batch = place // heads if values.shape[0] > 1 else torch.zeros_like(place)
    head = place % heads if values.shape[1] > 1 else torch.zeros_like(place)
    return values[batch[:, None], head[:, None], index]
