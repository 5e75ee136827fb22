"""Detail tables: Parquet files with any number of rows a feature, beside an index.

A table `NAME` is `details/NAME.parquet` in the index's folder, sorted by feature. Its record
`details/NAME.json` holds the checksums of the file's blocks, the definitions of the columns, what
the index was made from, and what else the table is about. The record is written last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, final

import pyarrow as pa

from sparsetime.errors import DamagedError, MismatchError, StoreError
from sparsetime.features.column_definition import ColumnDefinition, arrow_schema
from sparsetime.features.parquet_query import ParquetQuery
from sparsetime.files import Folder
from sparsetime.files.blocks import block_record, check_blocks
from sparsetime.files.formats import table_bytes

DETAILS = "details"
KEY = "feature"
SCHEMA_VERSION = 1
_AGAIN = "Make the table again"
_ROW_GROUP = 65_536


@final
class DetailTable:
    """A table with any number of rows a feature. Safe to use from several threads.

    record: what `details/NAME.json` says; `about` of it is what the analysis recorded.
    """

    def __init__(self, folder: Folder, name: str, record: dict[str, Any]) -> None:
        self.name, self.record = name, record
        self._folder = folder
        self._file = f"{DETAILS}/{name}.parquet"

    @property
    def about(self) -> dict[str, Any]:
        """Settings and results of the analysis as a whole."""
        about: dict[str, Any] = self.record["about"]
        return about

    @property
    def definitions(self) -> tuple[ColumnDefinition, ...]:
        """The definitions of its columns."""
        return tuple(ColumnDefinition.from_config(column) for column in self.record["columns"])

    @cached_property
    def table(self) -> pa.Table:
        """All rows, by feature. Errors: DamagedError for a file that is not what was written."""
        check_blocks(self._folder, self._file, self.record["file"], again=_AGAIN)
        return self._folder.read_table(self._file, SCHEMA_VERSION, _AGAIN)

    def rows(self, feature: int) -> list[dict[str, Any]]:
        """The rows of one feature, in order. Errors: DamagedError."""
        names = tuple(column["name"] for column in self.record["columns"])
        rows: list[dict[str, Any]] = self._query.select(
            names, self._file, (KEY, int(feature))
        ).to_pylist()
        return rows

    @cached_property
    def _query(self) -> ParquetQuery:
        return ParquetQuery(self._folder, {self._file: self.record["file"]})


def write_detail_table(
    folder: Folder,
    name: str,
    columns: Mapping[str, Any],
    definitions: Sequence[ColumnDefinition],
    subject: Mapping[str, str],
    about: Mapping[str, Any],
) -> DetailTable:
    """Write a table and its record into the folder of an index made from `subject`.

    columns: `feature` (ascending) and one column per definition. NaN becomes null.

    Errors: MismatchError for columns that differ from `definitions`.
    """
    names = [column.name for column in definitions]
    if sorted(columns) != sorted([KEY, *names]):
        raise MismatchError(
            f"table {name!r} has the columns {', '.join(sorted(columns))}, expected {KEY!r} and "
            f"{', '.join(names)}; define every column once"
        )
    schema = pa.schema([(KEY, pa.int32()), *arrow_schema(tuple(definitions))])
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in schema]
    data = table_bytes(pa.table(arrays, schema=schema), SCHEMA_VERSION, _ROW_GROUP)
    record = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "columns": [column.to_config() for column in definitions],
        "subject": dict(subject),
        "about": dict(about),
        "file": block_record(data),
    }
    file = f"{DETAILS}/{name}.json"
    folder.remove(file)  # no reader may find the new table with the old one's checksums
    folder.write_bytes(f"{DETAILS}/{name}.parquet", data)
    folder.write_json(file, record, SCHEMA_VERSION)
    return DetailTable(folder, name, record)


def read_detail_table(folder: Folder, name: str, subject: Mapping[str, str]) -> DetailTable | None:
    """The table of that name beside the index made from `subject`; None where there is none.

    Errors: DamagedError for a record that is damaged; StoreError for one of a newer sparsetime.
    """
    file = f"{DETAILS}/{name}.json"
    if not folder.exists(file):
        return None
    record = folder.read_json(file, again=_AGAIN)
    wanted = {"schema_version", "columns", "subject", "about", "file"}
    whole = isinstance(record, dict) and wanted <= record.keys()
    if not whole or not all(isinstance(record[part], dict) for part in ("about", "file")):
        raise DamagedError(f"{folder.url}/{file} is not the record of a detail table. {_AGAIN}")
    if record["schema_version"] != SCHEMA_VERSION:
        raise StoreError(
            f"{folder.url}/{file} has the schema {record['schema_version']}; this sparsetime reads "
            f"{SCHEMA_VERSION}. Update sparsetime, or make the table again"
        )
    return DetailTable(folder, name, record) if record["subject"] == dict(subject) else None


def detail_names(folder: Folder) -> list[str]:
    """Names of the detail tables in the folder of an index, of whatever it was made from."""
    names = (folder / DETAILS).names()
    return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))
