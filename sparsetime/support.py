"""Supports: the positions of active entries of a [rows, width] matrix, without values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Int
from torch import Tensor


@dataclass(frozen=True)
class Support:
    """Support of a sparse code in compressed rows; indices ascend within a row, none repeats.

    offsets: int64 [rows + 1]; indices: int64 [entries], in [0, width).
    """

    offsets: Int[Tensor, " rows_plus_1"]
    indices: Int[Tensor, " entries"]
    width: int

    @property
    def rows(self) -> int:
        return self.offsets.shape[0] - 1

    @cached_property
    def row_of_entry(self) -> Int[Tensor, " entries"]:
        """The row of every entry."""
        rows = torch.arange(self.rows, device=self.offsets.device)
        return rows.repeat_interleave(self.offsets.diff(), output_size=self.indices.shape[0])

    @staticmethod
    def of_full_rows(indices: Int[Tensor, "rows k"], width: int) -> Support:
        """The support of rows that all have k entries."""
        rows, k = indices.shape
        numbers = torch.arange(rows + 1, device=indices.device)
        support = Support(numbers * k, indices.reshape(-1), width)
        row_of_entry = numbers[:-1, None].expand(rows, k).reshape(-1)
        support.__dict__["row_of_entry"] = row_of_entry  # known without a pass over the offsets
        return support

    def take(self, kept: Int[Tensor, " kept"]) -> Support:
        """The support of some of the entries, given by their ascending positions among all."""
        indices = self.indices.index_select(0, kept)
        return Support(torch.searchsorted(kept, self.offsets), indices, self.width)


@dataclass(frozen=True)
class ByLatent:
    """Transposed support: latent `i` is active in `rows[offsets[i]:offsets[i + 1]]`, ascending.

    `order` [entries]: the position of each of these entries in the support.
    """

    offsets: Int[Tensor, " width_plus_1"]
    rows: Int[Tensor, " entries"]
    order: Int[Tensor, " entries"]
