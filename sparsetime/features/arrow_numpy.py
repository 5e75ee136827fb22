"""Arrow columns as numpy arrays, without the import of pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Shaped


def to_numpy(table: pa.Table, name: str) -> Shaped[np.ndarray, " rows"]:
    """A column of numbers as a read-only array; with nulls it is float64, and NaN for them.

    pyarrow's own `to_numpy` imports pandas where that is installed, which takes longer than all
    else that a page needs to draw.
    """
    column: Any = table[name].combine_chunks()
    if column.null_count:
        return np.array(column.to_pylist(), dtype=np.float64)
    values: Shaped[np.ndarray, " rows"] = np.from_dlpack(column)
    return values
