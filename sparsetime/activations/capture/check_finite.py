"""Checks that activations are finite, with errors that name the first bad place."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.capture.input_windows import Shard
from sparsetime.errors import DataError


def check_finite(values: Tensor, what: str) -> None:
    """Check a tensor [rows, d] or [sequences, time, d].

    Errors: DataError naming the first place that holds NaN or infinity.
    """
    place = _first(values)
    if place is None:
        return
    *at, latent = place
    where = f"row {at[0]}" if len(at) == 1 else f"sequence {at[0]}, position {at[1]}"
    kind = "NaN" if bool(values[place].isnan()) else "an infinite value"
    raise DataError(
        f"the {what} holds {kind} at {where} (dimension {latent}). Leave such steps out: "
        "one of them would spoil every later weight"
    )


def check_shard_finite(shard: Shard, activations: Float[Tensor, "rows d"], site: str) -> None:
    """Check a captured shard. Errors: DataError naming the first sequence and position."""
    place = _first(activations)
    if place is None:
        return
    row = place[0]
    ends = np.cumsum([window.rows for window in shard.windows])
    number = int(np.searchsorted(ends, row, side="right"))
    window = shard.windows[number]
    position = window.row_stop - (int(ends[number]) - row)
    hint = (
        " float16 ends at 65504: store them as bfloat16 or float32 with dtype=…"
        if activations.dtype == torch.float16
        else " Look at this document, and at the model's dtype"
    )
    raise DataError(
        f"the activations of {site!r} are not finite: {float(activations[place])} in sequence "
        f"{window.sequence} (document {window.prepared.document.id!r}) at position "
        f"{position}.{hint}"
    )


def _first(values: Tensor) -> tuple[int, ...] | None:
    """Index of the first value that is not finite; None where all are."""
    # A finite sum proves that all values are finite, at memory speed and without a mask as large as
    # the data. The sum itself may overflow, so only then is every value checked.
    if bool(values.sum(dtype=torch.float32).isfinite()):
        return None
    place = (~values.isfinite()).nonzero()
    return tuple(place[0].tolist()) if len(place) else None
