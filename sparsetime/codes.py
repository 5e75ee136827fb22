"""Sparse codes of activations, in compressed rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.errors import MismatchError


@dataclass(frozen=True)
class SparseCode:
    """Sparse code: few active latents a row, in compressed rows (CSR).

    Row `r` has the latents `indices[offsets[r]:offsets[r + 1]]`, with the activation values at the
    same positions of `values`. Within a row the indices ascend and none repeats; an entry that is
    not stored is zero. Rows are the steps of `shape` in C order: `shape` is the leading shape of
    the activations, such as `(rows,)` or `(batch, time)`.

    offsets: int64 [rows + 1]; indices: int64 [entries], in [0, width); values: [entries].
    """

    offsets: Int[Tensor, " rows_plus_1"]
    indices: Int[Tensor, " entries"]
    values: Float[Tensor, " entries"]
    width: int
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.offsets.shape[0] != self.rows + 1:
            raise MismatchError(
                f"got {self.offsets.shape[0]} offsets for a code of shape {self.shape}, expected "
                f"{self.rows + 1}: one more than its rows"
            )
        if self.indices.shape != self.values.shape:
            raise MismatchError(
                f"got indices of shape {tuple(self.indices.shape)} and values of shape "
                f"{tuple(self.values.shape)}, expected equal shapes"
            )

    @property
    def rows(self) -> int:
        return math.prod(self.shape)

    @property
    def row_of_entry(self) -> Int[Tensor, " entries"]:
        """The row of every entry."""
        rows = torch.arange(self.rows, device=self.offsets.device)
        return rows.repeat_interleave(self.counts, output_size=self.indices.shape[0])

    @property
    def counts(self) -> Int[Tensor, " rows"]:
        """Number of active latents in every row, its L0."""
        return self.offsets.diff()

    def dense(self) -> Float[Tensor, "*shape width"]:
        """The code as a dense tensor, with gradients to `values`."""
        flat = self.values.new_zeros(self.rows * self.width)
        positions = self.row_of_entry * self.width + self.indices
        return flat.index_add(0, positions, self.values).reshape(*self.shape, self.width)

    @staticmethod
    def from_dense(dense: Float[Tensor, "*shape width"]) -> SparseCode:
        """The code of the nonzero entries of a dense tensor."""
        *shape, width = dense.shape
        flat = dense.reshape(-1, width)
        row, indices = flat.nonzero(as_tuple=True)
        return SparseCode(
            offsets_of(row, flat.shape[0]), indices, flat[row, indices], width, tuple(shape)
        )

    def row_slice(self, start: int, stop: int) -> SparseCode:
        """Rows `start` to `stop` (exclusive), as a code of shape `(stop - start,)`."""
        if not 0 <= start <= stop <= self.rows:
            raise MismatchError(
                f"got rows {start} to {stop}, expected a range within the {self.rows} rows of "
                "the code"
            )
        begin, end = int(self.offsets[start]), int(self.offsets[stop])
        return SparseCode(
            self.offsets[start : stop + 1] - begin,
            self.indices[begin:end],
            self.values[begin:end],
            self.width,
            (stop - start,),
        )

    def take(self, rows: Int[Tensor, " some"]) -> SparseCode:
        """The given rows, in the given order, as a code of shape `(some,)`."""
        counts = self.counts[rows]
        offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        shift = (self.offsets[rows] - offsets[:-1]).repeat_interleave(counts)
        entries = shift + torch.arange(shift.shape[0], device=shift.device)
        values = self.values[entries]
        return SparseCode(offsets, self.indices[entries], values, self.width, (rows.shape[0],))

    def keep(self, mask: Tensor) -> SparseCode:
        """The entries at which the boolean `mask` [entries] is true, as a code."""
        if mask.all():
            return self
        row = self.row_of_entry[mask]
        return SparseCode(
            offsets_of(row, self.rows),
            self.indices[mask],
            self.values[mask],
            self.width,
            self.shape,
        )

    def latents(self, start: int, stop: int) -> SparseCode:
        """The latents `start` to `stop` (exclusive) alone; width and indices are unchanged."""
        return self.keep((self.indices >= start) & (self.indices < stop))

    def prefix(self, width: int) -> SparseCode:
        """The code of the first `width` latents alone, of this width."""
        kept = self.keep(self.indices < width)
        return SparseCode(kept.offsets, kept.indices, kept.values, width, self.shape)

    def reshape(self, *shape: int) -> SparseCode:
        """The same rows with another leading shape."""
        return SparseCode(self.offsets, self.indices, self.values, self.width, shape)

    def to(self, device: torch.device | str) -> SparseCode:
        return SparseCode(
            self.offsets.to(device),
            self.indices.to(device),
            self.values.to(device),
            self.width,
            self.shape,
        )

    def detach(self) -> SparseCode:
        return SparseCode(self.offsets, self.indices, self.values.detach(), self.width, self.shape)


def offsets_of(row_of_entry: Int[Tensor, " entries"], rows: int) -> Int[Tensor, " rows_plus_1"]:
    """Row offsets [rows + 1] of entries that are sorted by row."""
    counts = torch.bincount(row_of_entry, minlength=rows)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def concatenate(codes: list[SparseCode]) -> SparseCode:
    """Concatenation of codes of one width by rows, as a code of shape `(all rows,)`.

    Errors: MismatchError for no codes, or codes of different widths.
    """
    if not codes:
        raise MismatchError("got no codes, expected at least one to concatenate")
    widths = {code.width for code in codes}
    if len(widths) > 1:
        raise MismatchError(f"got codes of the widths {sorted(widths)}, expected one width")
    counts = torch.cat([code.counts for code in codes])
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    indices = torch.cat([code.indices for code in codes])
    values = torch.cat([code.values for code in codes])
    return SparseCode(offsets, indices, values, codes[0].width, (counts.shape[0],))
