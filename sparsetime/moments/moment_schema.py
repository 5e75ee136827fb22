"""Columns of a table of moments."""

from __future__ import annotations

import pyarrow as pa

MOMENTS = pa.schema(
    [
        ("sequence", pa.string()),
        ("first_step", pa.int64()),
        ("stop_step", pa.int64()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("score", pa.float64()),
        ("how", pa.string()),
    ]
)
