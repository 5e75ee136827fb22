"""FeatureIndex: top activating examples, codes, statistics and history of features, from disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from sparsetime.errors import (
    ConfigError,
    DataError,
    MismatchError,
    SparsetimeError,
    unknown_name,
)
from sparsetime.features import schemas
from sparsetime.features.arrow_numpy import to_numpy
from sparsetime.features.column_definition import ColumnDefinition
from sparsetime.features.detail_table import DetailTable, read_detail_table, write_detail_table
from sparsetime.features.feature_table import (
    DefinedTable,
    checked_table,
    read_feature_tables,
    write_feature_table,
)
from sparsetime.features.index_files import (
    DIRECTIONS,
    HISTORY,
    examples_file,
    load_record,
    read_directions,
    read_table,
)
from sparsetime.features.parquet_query import ParquetQuery
from sparsetime.features.ranking import most_informative
from sparsetime.files import Folder

# An index is read without torch: a page that shows it opens a second or two sooner.
if TYPE_CHECKING:
    import torch

    from sparsetime.codes import SparseCode

#: What nested groups were called before an index said so.
DEFAULT_GROUP_NAMES = ("high", "low")


@final
class FeatureIndex:
    """A finished index, opened for reading; see `open_index`. Safe to use from several threads.

    width: latents of the dictionary. groups: ends of its nested groups. group_names: what the first
    of them and the rest are called, None where there is one group. record: what `index.json` says
    (model, site, rows, entries, …).
    """

    def __init__(self, folder: Folder, record: dict[str, Any]) -> None:
        self.path = folder.url
        self.record = record
        self.width: int = record["width"]
        self.groups: tuple[int, ...] = tuple(record["groups"])
        self.group_names = _group_names(record)
        self._folder = folder
        self._files = ParquetQuery(folder, record["files"])

    @cached_property
    def features(self) -> pa.Table:
        """One row a feature, in order; the columns are those of `schemas.FEATURES`."""
        return read_table(self._folder, "features.parquet", self.record)

    @property
    def kind(self) -> str:
        """The kind of code source that was indexed: "dictionary" or another."""
        return str(self.record.get("source", {}).get("kind", "dictionary"))

    @cached_property
    def tables(self) -> dict[str, DefinedTable]:
        """The feature tables that were added, by name.

        Errors: DamagedError naming a table's file that is missing or changed; see `sound_tables`.
        """
        tables, errors = self.sound_tables()
        for error in errors:
            raise error
        return tables

    def sound_tables(self) -> tuple[dict[str, DefinedTable], list[SparsetimeError]]:
        """The feature tables that can be read, by name, and the error of each one that cannot."""
        return read_feature_tables(self._folder, self.record["subject"], self.width)

    @property
    def columns(self) -> dict[str, ColumnDefinition]:
        """Definitions of all feature columns by name: those of `features`, then of each table."""
        added = [column for table in self.tables.values() for column in table.definitions]
        own = schemas.columns_of(self.features.column_names)
        return {column.name: column for column in (*own, *added)}

    def column(self, name: str) -> pa.ChunkedArray:
        """The values of a feature column, one per feature.

        Errors: UnknownNameError for a column that neither `features` nor a table has.
        """
        for table in (self.features, *(added.table for added in self.tables.values())):
            if name in table.column_names:
                return table[name]
        raise unknown_name("feature column", name, self.columns)

    def add_table(
        self,
        name: str,
        table: pa.Table | Mapping[str, Any],
        definitions: Sequence[ColumnDefinition],
    ) -> None:
        """Write a feature table beside the index; one of the same name is replaced.

        `table` has the column `feature`, with each feature once, and one column per definition.
        Lists, searches, sorting, filters and names of features use its columns from then on.

        Errors: ConfigError for a name that is no file name; MismatchError for other features, and
        for columns that differ from their definitions or that the index has already.
        """
        defined = checked_table(name, table, definitions, self.width)
        others = {n: added for n, added in self.tables.items() if n != name}
        taken = {*schemas.FEATURES.names}
        taken |= {column.name for added in others.values() for column in added.definitions}
        double = [column.name for column in defined.definitions if column.name in taken]
        if double:
            raise MismatchError(
                f"the index has the columns {', '.join(double)} already; give the columns of "
                f"table {name!r} other names"
            )
        write_feature_table(self._folder, defined, self.record["subject"])
        self.tables = {**others, name: defined}

    def add_details(
        self,
        name: str,
        columns: Mapping[str, Any],
        definitions: Sequence[ColumnDefinition],
        about: Mapping[str, Any],
    ) -> DetailTable:
        """Write a detail table beside the index; one of the same name is replaced.

        `columns` has the column `feature`, ascending, and one column per definition; a feature may
        have any number of rows. Errors: MismatchError for columns without a definition.
        """
        subject = self.record["subject"]
        return write_detail_table(self._folder, name, columns, definitions, subject, about)

    def details(self, name: str) -> DetailTable | None:
        """The detail table of that name; None where there is none. Errors: DamagedError."""
        return read_detail_table(self._folder, name, self.record["subject"])

    @property
    def activations(self) -> pa.Table:
        """Every activation, by feature, the largest |activation value| first. Errors: DamagedError.

        The columns are those of `schemas.EXAMPLES`; some 16 bytes an activation.
        """
        return read_table(self._folder, examples_file(self.record), self.record)

    def directions(self) -> torch.Tensor | None:
        """One direction per feature, float32 [width, d], as the code source gave them.

        None where it has none, and for a dictionary, whose own file holds them.
        """
        if DIRECTIONS not in self.record["files"]:
            return None
        return read_directions(self._folder, self.record)

    @cached_property
    def sequences(self) -> pa.Table:
        """The indexed sequences: `sequence` (number in the whole store), `id`, `length`."""
        return read_table(self._folder, "sequences.parquet", self.record)

    def examples(self, feature: int, n: int = 20, per_sequence: int | None = None) -> pa.Table:
        """The `n` moments at which a feature is strongest, strongest first.

        Columns `sequence`, `position`, `value`. `per_sequence` is the most taken from one
        sequence, so that one long run does not fill the list. Fewer where it fires less often.

        Errors: ConfigError for a feature that does not exist.
        """
        self._check_feature(feature)
        ranked = (
            "QUALIFY row_number() OVER "
            f"(PARTITION BY sequence ORDER BY abs(value) DESC, position) <= {int(per_sequence)}"
            if per_sequence is not None
            else ""
        )
        return self._files.select(
            ("sequence", "position", "value"),
            examples_file(self.record),
            ("feature", int(feature)),
            f"{ranked} ORDER BY abs(value) DESC, sequence, position LIMIT {int(n)}",
        )

    def history(self, feature: int) -> pa.Table:
        """What a feature was at each snapshot of its training and at the end, by step.

        The columns are those of `schemas.HISTORY`; `record["history"]["steps"]` says on how many
        steps of the store all were looked at. Empty where the index was made without snapshots.

        Errors: ConfigError for a feature that does not exist.
        """
        self._check_feature(feature)
        if HISTORY not in self.record["files"]:
            return schemas.HISTORY.empty_table()
        return self._files.select(
            tuple(schemas.HISTORY.names),
            HISTORY,
            ("feature", int(feature)),
            "ORDER BY step",
        )

    def sequence(self, number: int) -> SparseCode:
        """The code of a sequence in order, of shape (time,). `number`: in the whole store.

        Errors: DataError for a sequence that was not indexed.
        """
        import torch

        from sparsetime.codes import SparseCode, offsets_of

        position, feature, value = map(torch.from_numpy, self.entries(number))
        length = self.length(number)
        offsets = offsets_of(position.long(), length)
        return SparseCode(offsets, feature.long(), value, self.width, (length,))

    def length(self, number: int) -> int:
        """Steps of a sequence. Errors: DataError for a sequence that was not indexed."""
        numbers = to_numpy(self.sequences, "sequence")
        at = int(np.searchsorted(numbers, number))
        if at == len(numbers) or numbers[at] != number:
            raise DataError(
                f"sequence {number} is not in the index {self.path}, which holds "
                f"{len(numbers)} sequences, numbers {numbers[0]} to {numbers[-1]}"
            )
        length: int = self.sequences["length"][at].as_py()
        return length

    def entries(
        self, number: int
    ) -> tuple[
        Int[np.ndarray, " entries"], Int[np.ndarray, " entries"], Float[np.ndarray, " entries"]
    ]:
        """Position, feature and value of every entry of a sequence's code, in order.

        Errors: DataError for a sequence that was not indexed.
        """
        self.length(number)
        names = ("position", "feature", "value")
        # Written in this order, which DuckDB keeps; to sort again takes longer than to read.
        entries = self._files.select(names, "codes.parquet", ("sequence", int(number)))
        position, feature, value = (to_numpy(entries, name).copy() for name in names)
        place = position.astype(np.int64) * self.width + feature
        if (np.diff(place) <= 0).any():
            order = np.argsort(place)
            return position[order], feature[order], value[order]
        return position, feature, value

    def most_informative(self, n: int = 30) -> pa.Table:
        """Rows of `features` of the `n` most informative ones; see `ranking.most_informative`."""
        return self.features.take(pa.array(most_informative(self.features, n)))

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    def _check_feature(self, feature: int) -> None:
        if not 0 <= feature < self.width:
            raise ConfigError(
                f"feature {feature} does not exist: the dictionary has the features 0 to "
                f"{self.width - 1}"
            )


def open_index(path: str | Path) -> FeatureIndex:
    """Open the index in a folder or behind a URL.

    Errors: StoreError where there is none, or where a newer sparsetime wrote it; DamagedError
    naming the file that is missing, cut short or not of the index's schema.
    """
    folder = Folder(str(path))
    return FeatureIndex(folder, load_record(folder))


def _group_names(record: dict[str, Any]) -> tuple[str, str] | None:
    if len(record["groups"]) < 2:
        return None
    first, rest = record.get("group_names", DEFAULT_GROUP_NAMES)
    return first, rest
