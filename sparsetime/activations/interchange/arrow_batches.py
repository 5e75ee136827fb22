"""Arrow batches: the steps of a store with their activations, as RecordBatches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Int

from sparsetime.activations.store.manifest import STORED
from sparsetime.activations.store.store_reader import StoreReader
from sparsetime.errors import ConfigError, unknown_name

ACTIVATION = "activation"


def arrow_batches(
    reader: StoreReader, rows: Int[np.ndarray, " rows"], batch: int, columns: list[str] | None
) -> Iterator[pa.RecordBatch]:
    """Batches of at most `batch` of the given rows (ascending); see `Store.arrow`.

    Errors: ConfigError for a batch below 1; UnknownNameError for a column that is not there.
    """
    if batch < 1:
        raise ConfigError(f"got batch={batch}, expected a number of steps of at least 1")
    stored = reader.step_columns() if columns else []
    for name in columns or ():
        if name not in stored:
            raise unknown_name("step column", name, stored)
    return _batches(reader, rows, batch, columns)


def _batches(
    reader: StoreReader, rows: Int[np.ndarray, " rows"], batch: int, columns: list[str] | None
) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(rows), batch):
        some = rows[start : start + batch]
        steps = reader.steps(some, columns)
        if STORED in steps.column_names:
            steps = steps.drop_columns(STORED)
        x = torch.cat(list(reader.pieces(some)))
        if x.dtype == torch.bfloat16:
            x = x.float()  # Arrow has no bfloat16
        tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(x.numpy()))
        table = steps.append_column(ACTIVATION, tensors).combine_chunks()
        yield from table.to_batches()
