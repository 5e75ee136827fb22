"""What a sparse model computes by matrix and step: what was needed, left out or in vain."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pyarrow as pa

from sparsetime.errors import DamagedError
from sparsetime.files import Folder, locks
from sparsetime.files.folder_url import folder_url
from sparsetime.files.formats import table_bytes

SCHEMA_VERSION = 1
TABLE, RECORD = "cells.parquet", "cells.json"
_AGAIN = "Restore it from a copy, or count again with sparsetime cost --keep"
_COLUMNS = ("matrix", "sequence", "position", "dense", "computed", "needed", "missed")


@final
@dataclass(frozen=True, eq=False)
class StepCells:
    """Multiplications of each matrix at each step.

    table: `matrix`; `sequence`, a place in `sequences`, and `position`; `dense`, of the whole
    matrix; `computed`, what the plans leave; `needed`, of these what the reference needs; `missed`,
    what it needs and the plans leave out. computed - needed is in vain. plans: in words.
    """

    table: pa.Table
    model: str
    plans: tuple[str, ...]
    sequences: tuple[str, ...]

    @property
    def matrices(self) -> list[str]:
        """The matrices, in the order in which the model calls them."""
        names: list[str] = self.table["matrix"].combine_chunks().dictionary.to_pylist()
        return names

    def share(self, column: str) -> float:
        """A column by that of dense matrices, over all steps."""
        return float(self._sum(column) / max(self._sum("dense"), 1))

    def _sum(self, column: str) -> int:
        return int(self.table[column].to_numpy().sum())

    @locks("out")
    def save(self, out: str | os.PathLike[str]) -> None:
        """Write table and record into a folder; the record comes last and makes it valid."""
        folder = Folder(folder_url(out, "out"))
        folder.write_bytes(TABLE, table_bytes(self.table, SCHEMA_VERSION))
        record = {
            "model": self.model,
            "plans": list(self.plans),
            "sequences": list(self.sequences),
        }
        folder.write_json(RECORD, record, SCHEMA_VERSION)


def open_cells(path: str | os.PathLike[str]) -> StepCells:
    """Open what `StepCells.save` wrote.

    Errors: DamagedError for other bytes than those written, or a table of other columns.
    """
    folder = Folder(folder_url(path, "path"))
    record: Any = folder.read_json(RECORD, SCHEMA_VERSION, _AGAIN)
    table = folder.read_table(TABLE, SCHEMA_VERSION, _AGAIN)
    if not isinstance(record, dict) or {"model", "plans", "sequences"} - set(record):
        raise DamagedError(f"{folder.url}/{RECORD} lacks what it is of. {_AGAIN}")
    if table.column_names != list(_COLUMNS):
        raise DamagedError(
            f"{folder.url}/{TABLE} has the columns {', '.join(table.column_names)}, expected "
            f"{', '.join(_COLUMNS)}. {_AGAIN}"
        )
    return StepCells(table, record["model"], tuple(record["plans"]), tuple(record["sequences"]))


def cells_of(
    parts: Sequence[tuple[str, np.ndarray, np.ndarray, int, np.ndarray, np.ndarray, np.ndarray]],
    model: str,
    plans: Sequence[str],
    sequences: Sequence[str],
) -> StepCells:
    """Cells of parts: matrix, sequences, positions, dense, and computed, needed, missed by row."""
    order = {name: place for place, name in enumerate(dict.fromkeys(part[0] for part in parts))}
    lengths = [len(part[1]) for part in parts]
    codes = np.repeat(np.array([order[part[0]] for part in parts], np.int32), lengths)
    columns: dict[str, Any] = {
        "matrix": pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(order))),
        "sequence": np.concatenate([part[1] for part in parts]).astype(np.int32),
        "position": np.concatenate([part[2] for part in parts]).astype(np.int32),
        "dense": np.repeat(np.array([part[3] for part in parts], np.int64), lengths),
    }
    for place, name in enumerate(_COLUMNS[4:], 4):
        columns[name] = np.concatenate([part[place] for part in parts]).astype(np.int64)
    return StepCells(pa.table(columns), model, tuple(plans), tuple(sequences))
