"""Table of needed multiplications and bytes by matrix, sequence and position."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from sparsetime.files import Folder
from sparsetime.files.folder_url import folder_url
from sparsetime.files.formats import table_bytes

SCHEMA_VERSION = 1
FILE = "cost.parquet"
_AGAIN = "Restore it from a copy, or call st.cost again"


@final
@dataclass(frozen=True, eq=False)
class CostTable:
    """What a model needs at each step.

    table: a row for each matrix and step: `matrix`, the path of its module; `sequence` and
    `position` in the data, sequence -1 where they are not known; `macs` and `bytes` that are
    needed; `dense_macs` of the whole matrix.
    """

    table: pa.Table

    @staticmethod
    def of_parts(
        parts: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray, int]],
    ) -> CostTable:
        """The table of parts: matrix, sequences, positions, [macs, bytes] and dense macs."""
        names = [name for name, *_ in parts]
        order = list(dict.fromkeys(names))
        number = {name: place for place, name in enumerate(order)}
        lengths = [len(sequences) for _, sequences, *_ in parts]
        codes = np.repeat(np.array([number[name] for name in names], np.int32), lengths)
        counts = np.concatenate([counts for *_, counts, _ in parts], axis=1)
        dense = np.repeat([part[-1] for part in parts], lengths)
        return CostTable(
            pa.table(
                {
                    "matrix": pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(order)),
                    "sequence": np.concatenate([p[1] for p in parts]),
                    "position": np.concatenate([p[2] for p in parts]),
                    "macs": counts[0],
                    "bytes": counts[1],
                    "dense_macs": dense.astype(np.int64),
                }
            )
        )

    @property
    def matrices(self) -> list[str]:
        """The matrices, in the order in which the model calls them."""
        names: list[str] = self.table["matrix"].combine_chunks().dictionary.to_pylist()
        return names

    @property
    def share(self) -> float:
        """Needed multiplications by those of dense matrices."""
        dense = self._column("dense_macs").sum()
        return float(self._column("macs").sum() / dense) if dense else float("nan")

    def share_by_matrix(self) -> dict[str, float]:
        """As `share`, by matrix; infinite for the product of a predictor."""
        codes = self.table["matrix"].combine_chunks().indices.to_numpy()
        count = len(self.matrices)
        macs, dense = (
            np.bincount(codes, self._column(name), minlength=count)
            for name in ("macs", "dense_macs")
        )
        with np.errstate(divide="ignore"):
            return dict(zip(self.matrices, (macs / dense).tolist(), strict=True))

    def by_step(self, sequence: int) -> Float[np.ndarray, "matrices steps"]:
        """Needed multiplications of a sequence, by matrix and position."""
        chosen = self._column("sequence") == sequence
        codes = self.table["matrix"].combine_chunks().indices.to_numpy()[chosen]
        positions = self._column("position")[chosen].astype(np.int64)
        steps = int(positions.max(initial=-1)) + 1
        found = np.zeros((len(self.matrices), steps))
        np.add.at(found, (codes, positions), self._column("macs")[chosen])
        return found

    def save(self, out: str | os.PathLike[str]) -> None:
        """Write `cost.parquet` into a folder."""
        Folder(folder_url(out, "out")).write_bytes(FILE, table_bytes(self.table, SCHEMA_VERSION))

    @staticmethod
    def open(out: str | os.PathLike[str]) -> CostTable:
        """Open what `save` wrote. Errors: DamagedError for other bytes than those written."""
        folder = Folder(folder_url(out, "out"))
        return CostTable(folder.read_table(FILE, SCHEMA_VERSION, _AGAIN))

    def _column(self, name: str) -> np.ndarray:
        return np.asarray(self.table[name].to_numpy())
