"""Writer of one site's store during capture, which compares finished shards with the data."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.activations.capture.input_windows import Shard
from sparsetime.activations.capture.left_out_steps import kept_of_norms
from sparsetime.activations.store.input_columns import INPUT
from sparsetime.activations.store.kept_inputs import kept_inputs
from sparsetime.activations.store.manifest import (
    BEGUN_FILE,
    INPUTS_FILE,
    KEEP_INPUT,
    SHARDS,
    STEPS_FILE,
)
from sparsetime.activations.store.shard_reader import ShardReader
from sparsetime.activations.store.store import Store
from sparsetime.activations.store.writer import StoreWriter
from sparsetime.errors import StoreError
from sparsetime.files import Folder
from sparsetime.models.load import LoadedModel


@final
class SiteWriter:
    """Writes one site's shards, and compares finished ones with the data of this capture."""

    def __init__(
        self,
        folder: str,
        loaded: LoadedModel,
        site: str,
        d: int,
        dtype: torch.dtype,
        *,
        unit: str,
        capture: dict[str, Any],
        force: bool,
        copies_in: str | None = None,
    ) -> None:
        """copies_in: the local folder of another site, whose copies of inputs are referred to."""
        self.site, self._copies_in = site, copies_in
        self._writer = StoreWriter(
            folder,
            model_name=loaded.name,
            model_hash=loaded.revision_or_hash,
            site=site,
            d=d,
            dtype=str(dtype).removeprefix("torch."),
            unit=unit,
            capture=capture,
            force=force,
        )
        self._folder = Folder(folder)
        self._finished = self._writer.manifest
        self._reader = ShardReader(self._folder, self._finished)
        self._planned = 0

    def needs(self, number: int, shard: Shard) -> bool:
        """Whether the shard is not yet written.

        Errors: StoreError where a finished shard holds other documents than the data given now;
        DamagedError where it cannot be read.
        """
        self._planned = number + 1
        if number >= len(self._finished.shards):
            if self._finished.complete:
                raise self._other_data("it is finished, and the data given now is longer")
            return True
        record = self._finished.shards[number]
        steps, begun = (
            self._reader.table(record.path(kind), record.files[kind])
            for kind in (STEPS_FILE, BEGUN_FILE)
        )
        if not (_same(steps, shard.step_table()) and _same(begun, shard.sequence_table())):
            raise self._other_data(f"its shard {record.name} holds other documents")
        return False

    def append(
        self,
        activations: Float[Tensor, "rows d"],
        shard: Shard,
        kept: Bool[np.ndarray, " rows"],
    ) -> None:
        """Write one shard of finite activations: those of the kept rows that the norm keeps too.

        Errors: those of `StoreWriter.append`.
        """
        stored, exclusion = kept_of_norms(activations, kept, self._writer.manifest.exclusion)
        sequences, inputs = shard.sequence_table(), None
        if KEEP_INPUT in self._writer.manifest.capture:
            column, inputs = kept_inputs(shard, self._folder.url, self._copies)
            sequences = sequences.append_column(INPUT, column)
        self._writer.append(
            activations, shard.step_table(), sequences, stored, exclusion.norm_limit, inputs
        )

    def finish(self) -> Store:
        """Complete the store. Errors: StoreError where it has more shards than the data."""
        if self._planned < len(self._finished.shards):
            raise self._other_data("the data given now ends before it does")
        return self._writer.finish()

    @property
    def _copies(self) -> str | None:
        """The inputs file of the next shard in the folder of the other site."""
        if self._copies_in is None:
            return None
        return f"{self._copies_in}/{SHARDS}/{self._writer.shards_done:06d}.{INPUTS_FILE}"

    def _other_data(self, what: str) -> StoreError:
        return StoreError(
            f"{self._folder.url} was captured from other data: {what}. Give the data that it was "
            f"begun with, choose another folder, or replace it with force=True"
        )


def _same(stored: pa.Table, planned: pa.Table) -> bool:
    """Whether the planned columns are stored with equal values; dictionaries may differ."""
    if not set(planned.column_names) <= set(stored.column_names):
        return False
    for name in planned.column_names:
        left, right = (_plain(table[name].combine_chunks()) for table in (stored, planned))
        if not left.equals(right):
            return False
    return True


def _plain(column: pa.Array) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column
