"""Partition of a training step over a mesh: latents along one dimension, rows along the other."""

from __future__ import annotations

import dataclasses
from typing import Any, final

from jaxtyping import Float, Int, Shaped
from torch import Tensor

from sparsetime.activations.sampling.batch import Batch
from sparsetime.dictionaries.composition import ComposedDecoder, ComposedEncoder
from sparsetime.dictionaries.partition import Partition
from sparsetime.errors import DataError
from sparsetime.kernels import BatchTopKRule, Rule, Support, ThresholdRule
from sparsetime.segments import Segments
from sparsetime.training.distributed.composed import DividedDecoder, DividedEncoder
from sparsetime.training.distributed.exchange import Exchange


@final
class MeshPartition(Partition):
    """Latent `i` is on process `i mod latents.size` of its group; each group has a run of rows.

    latents: the processes that have the other latents of the same rows. row_groups: those that have
    the same latents of other rows. everyone: both. width: number of latents of all processes.

    Latents alternate, so that nested prefixes, which hold the first latents, are divided evenly.
    """

    def __init__(
        self, latents: Exchange, row_groups: Exchange, everyone: Exchange, width: int
    ) -> None:
        self.latents, self.row_groups, self.everyone = latents, row_groups, everyone
        self.width = width
        self.has_all_latents = latents.size == 1
        self._rows, self._first_row, self._own_rows = 1, 0, 1

    def rows_of(self, batch: Batch) -> Batch:
        """The rows of a batch that this process has, a run of them; later sums are of this batch.

        Sizes differ by one row at most, or by one segment where the rows are in segments.

        Errors: DataError where there are fewer rows, or segments, than groups.
        """
        if self.row_groups.size == 1:
            self._rows = self._own_rows = batch.rows
            return batch
        units = batch.rows if batch.segments is None else batch.segments.count
        number, size = self.row_groups.number, self.row_groups.size
        if units < size:
            what = "rows" if batch.segments is None else "segments"
            raise DataError(
                f"got a batch of {units} {what} for {size} groups of processes, expected at least "
                "one for each; take larger batches, or fewer groups along 'data'"
            )
        first, end = units * number // size, units * (number + 1) // size
        segments = None
        if batch.segments is not None:
            offsets = batch.segments.offsets[first : end + 1]
            first, end = int(offsets[0]), int(offsets[-1])
            segments = Segments(offsets - first)
        self._rows, self._first_row, self._own_rows = batch.rows, first, end - first
        fields: dict[str, Any] = {name: t[first:end] for name, t in batch.tensors.items()}
        return dataclasses.replace(batch, **fields, segments=segments)

    def all_rows(self, own: int) -> int:
        """Rows of all groups, where this one has `own`: its rows, or these and their neighbours."""
        return own // self._own_rows * self._rows

    def decides_alone(self, rule: Rule) -> bool:
        """Whether a process selects its own entries without the others."""
        if isinstance(rule, BatchTopKRule):
            return self.everyone.size == 1
        return self.has_all_latents or isinstance(rule, ThresholdRule)

    def place(self, support: Support) -> Int[Tensor, " entries"]:
        """The number of every entry among the places of the whole batch, row by row."""
        row = support.row_of_entry
        # Neighbours follow all rows of a batch, here as in one process.
        turn = row // self._own_rows
        row = turn * self._rows + self._first_row + row % self._own_rows
        return row * self.width + support.indices * self.latents.size + self.latents.number

    def encoder(self, encoder: ComposedEncoder) -> ComposedEncoder:
        return DividedEncoder(encoder, self)

    def decoder(self, decoder: ComposedDecoder) -> ComposedDecoder:
        return decoder if self.has_all_latents else DividedDecoder(decoder, self)

    def over_latents(self, own: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return self.latents.summed(own)

    def over_rows(self, own: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        if self.row_groups.size == 1:
            return own
        return self.row_groups.summed(own * (self._own_rows / self._rows))

    def sum_over_rows(self, own: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return self.row_groups.summed(own)

    def sum_over_entries(self, own: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
        return self.everyone.total(own)

    def least_over_rows(self, own: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
        return self.row_groups.least(own)

    def least(self, own: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return self.everyone.least(own)

    def count_latents(self, own: int) -> int:
        return self.latents.count(own)

    def all_latents(self, own: int) -> int:
        return self.width
