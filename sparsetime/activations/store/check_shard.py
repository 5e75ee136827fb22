"""Checks that a shard continues a store: its shape, its dtype and the order of its rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.store.manifest import Manifest
from sparsetime.errors import MismatchError


def check_shard(
    manifest: Manifest,
    position: int,
    activations: Float[Tensor, "rows d"],
    steps: pa.Table,
    begun: pa.Table,
) -> None:
    """Check one shard against the store before it is written.

    position: of the shard's first row, where it continues a sequence. begun: the sequences that
    begin in the shard. Errors: MismatchError naming what does not fit.
    """
    dtype = str(activations.dtype).removeprefix("torch.")
    if activations.ndim != 2 or activations.shape[1] != manifest.d or dtype != manifest.dtype:
        raise MismatchError(
            f"got {dtype} {list(activations.shape)}, expected a shard of {manifest.dtype} [rows, "
            f"{manifest.d}], as in this store"
        )
    rows = activations.shape[0]
    if rows == 0 or steps.num_rows != rows:
        raise MismatchError(
            f"got {rows} rows and {steps.num_rows} steps, expected at least one row and as many "
            "steps"
        )
    if steps.column_names[:2] != ["sequence", "position"]:
        raise MismatchError(
            f"got {', '.join(steps.column_names[:2]) or 'none'} as the first two columns of the "
            "steps, expected sequence and position"
        )
    # Rows still missing from the sequence that the last shard left unfinished come first.
    open_rows = manifest.planned_rows - manifest.rows
    lengths = np.concatenate([[open_rows], begun["length"].to_numpy()]).astype(np.int64)
    if lengths.sum() < rows:
        raise MismatchError(
            f"the shard has {rows} rows, but the sequences that are open or begin in it have only "
            f"{lengths.sum()}"
        )
    first = np.cumsum(lengths) - lengths
    sequences = np.repeat(np.arange(len(lengths)) + manifest.sequences - 1, lengths)[:rows]
    positions = np.arange(rows) - np.repeat(first, lengths)[:rows]
    positions[:open_rows] += position
    if not (
        np.array_equal(sequences, steps["sequence"].to_numpy())
        and np.array_equal(positions, steps["position"].to_numpy())
    ):
        raise MismatchError(
            "the columns sequence and position do not continue the store: the shard must begin at "
            f"row {manifest.rows} of the planned sequences and keep their order"
        )
