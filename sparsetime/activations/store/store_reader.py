"""StoreReader: what a store reads its rows and step columns with, from one folder or several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from jaxtyping import Bool
from numpy.typing import NDArray

from sparsetime.activations.sources.source import RowReader
from sparsetime.activations.store.input_files import SlicedArray


class StoreReader(RowReader, Protocol):
    """Rows of a store and their step columns, by their number in the whole store."""

    def stored_steps(self, rows: NDArray[np.int64]) -> Bool[np.ndarray, " rows"] | None:
        """Which of the given rows (ascending) have a stored activation; None where all have."""
        ...

    def steps(self, rows: NDArray[np.int64], columns: list[str] | None) -> pa.Table:
        """The step columns of the given rows (ascending); all columns where None are named."""
        ...

    def step_columns(self) -> list[str]:
        """Names of the step columns."""
        ...

    def open_input(self, sequence: int, reference: Mapping[str, Any]) -> SlicedArray:
        """The input that a sequence refers to in its column `input`."""
        ...

    def verify(self) -> None:
        """Check every file. Errors: DamagedError naming the first that differs."""
        ...
