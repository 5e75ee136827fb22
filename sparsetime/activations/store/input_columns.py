"""Columns that describe the inputs of a capture, and the times of rows at another rate.

Both are in a store only where a capture needs them, so that other stores keep their bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from sparsetime.activations.capture.tokenize import PreparedDocument

# Columns of the sequence table. Input step i begins at input_start + i * input_step, in `unit`, or
# at input_times[i], a column that is there only where documents gave the time of each step. `input`
# is a JSON object that says where the input is kept, or null where it is not. `recorded`
# is the date as ISO 8601.
INPUT_SCHEMA = pa.schema(
    [
        ("input_length", pa.int64()),
        ("input_start", pa.float64()),
        ("input_step", pa.float64()),
        ("rate", pa.float64()),
        ("channels", pa.list_(pa.string())),
        ("channel_units", pa.list_(pa.string())),
        ("recorded", pa.string()),
        ("input", pa.string()),
        ("input_times", pa.list_(pa.float64())),
    ]
)

# Columns of the steps, where a row stands for other than one input step. A row begins at
# `row_start` and lasts `row_duration`, in the sequence's unit; several rows may share a time, and
# `row_place` then says which one a row is: "[CLS]", or "y 3, x 5" beside its two numbers.
ROW_START, ROW_DURATION = "row_start", "row_duration"
ROW_PLACE, ROW_Y, ROW_X = "row_place", "row_y", "row_x"
ROW_COLUMNS = (ROW_START, ROW_DURATION, ROW_PLACE, ROW_Y, ROW_X)

INPUT = "input"
STORED_INPUT = "tensor"  # key of `input`: the name of the tensor in the inputs file of the shard
INPUT_FILE = "path"  # key of `input`: the file that is referred to


def input_columns(prepared: Sequence[PreparedDocument]) -> dict[str, pa.Array]:
    """INPUT_SCHEMA for the documents, without `input`, and `input_times` where they are even."""
    documents = [one.document for one in prepared]
    recordings = [document.recording for document in documents]
    values: dict[str, list[Any]] = {
        "input_length": [len(one.inputs) for one in prepared],
        "input_start": [document.start for document in documents],
        "input_step": [document.step for document in documents],
        "rate": [None if r is None else r.rate for r in recordings],
        "channels": [[] if r is None else list(r.channels) for r in recordings],
        "channel_units": [[] if r is None else list(r.units) for r in recordings],
        "recorded": ["" if r is None else r.date for r in recordings],
    }
    if any(document.times is not None for document in documents):
        values["input_times"] = [document.times for document in documents]
    return {name: pa.array(values[name], INPUT_SCHEMA.field(name).type) for name in values}
