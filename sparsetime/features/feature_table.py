"""Feature tables: Parquet files keyed by feature beside an index, with a definition per column.

A table `NAME` is `tables/NAME.parquet` in the index's folder. Its record `tables/NAME.json` holds
the schema version, the SHA-256 of the Parquet file, the definitions of its columns, and what the
index was made from. The record is written last, so a table without one does not exist. A table of
an earlier index in the same folder, of another dictionary or store, is not read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pyarrow as pa

from sparsetime.errors import (
    ConfigError,
    DamagedError,
    MismatchError,
    SparsetimeError,
    StoreError,
)
from sparsetime.features.column_definition import ColumnDefinition, arrow_schema
from sparsetime.files import Folder
from sparsetime.files.formats import table_bytes

TABLES = "tables"
KEY = "feature"
SCHEMA_VERSION = 1
_AGAIN = "Add the table again"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@final
@dataclass(frozen=True)
class DefinedTable:
    """A table with one row per feature, in order, and the definitions of its columns."""

    name: str
    table: pa.Table
    definitions: tuple[ColumnDefinition, ...]


def checked_table(
    name: str,
    table: pa.Table | Mapping[str, Any],
    definitions: Sequence[ColumnDefinition],
    width: int,
) -> DefinedTable:
    """The table in the order of its features, once it fits the index and its definitions.

    `table` holds the column `feature`, each of 0 to width - 1 once, and the defined columns.

    Errors: ConfigError for a name that is no file name; MismatchError for other features, and for
    columns that differ from `definitions` in name or type.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"got the table name {name!r}; expected letters, digits, '_' and '-', at most 64 of "
            f"them, since it becomes a file name"
        )
    defined = tuple(definitions)
    columns = dict(table) if isinstance(table, Mapping) else _columns_of(table)
    if KEY not in columns:
        raise MismatchError(
            f"table {name!r} has the columns {', '.join(columns) or 'none'}; add the column "
            f"{KEY!r}, which says the feature of every row"
        )
    order = _order(name, np.asarray(_array(columns.pop(KEY), pa.int64())), width)
    names = [column.name for column in defined]
    if sorted(columns) != sorted(names):
        raise MismatchError(
            f"table {name!r} has the columns {', '.join(sorted(columns))} and definitions of "
            f"{', '.join(sorted(names)) or 'none'}; define every column once"
        )
    arrays = [pa.array(range(width), pa.int32())]
    for column in defined:
        try:
            values = _array(columns[column.name], column.arrow_type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise MismatchError(
                f"column {column.name!r} of table {name!r} is not {column.dtype}: {error}"
            ) from error
        if len(values) != width:
            raise MismatchError(
                f"column {column.name!r} of table {name!r} has {len(values)} rows, expected "
                f"{width}, one per feature"
            )
        arrays.append(values.take(pa.array(order)))
    schema = pa.schema([(KEY, pa.int32()), *arrow_schema(defined)])
    return DefinedTable(name, pa.table(arrays, schema=schema), defined)


def write_feature_table(folder: Folder, defined: DefinedTable, subject: Mapping[str, str]) -> None:
    """Write a table and its record into the folder of an index made from `subject`."""
    data = table_bytes(defined.table, SCHEMA_VERSION)
    record = f"{TABLES}/{defined.name}.json"
    folder.remove(record)  # no reader may find the new table with the old one's checksum
    folder.write_bytes(f"{TABLES}/{defined.name}.parquet", data)
    folder.write_json(
        record,
        {
            "schema_version": SCHEMA_VERSION,
            "name": defined.name,
            "features": defined.table.num_rows,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "columns": [column.to_config() for column in defined.definitions],
            "subject": dict(subject),
        },
        SCHEMA_VERSION,
    )


def read_feature_tables(
    folder: Folder, subject: Mapping[str, str], width: int
) -> tuple[dict[str, DefinedTable], list[SparsetimeError]]:
    """The tables beside the index made from `subject`, by name, and the errors of the others.

    An error is a DamagedError that names a file which is missing, changed or not as defined, or a
    StoreError for the record of a newer sparsetime.
    """
    tables, errors = {}, []
    for file in sorted((folder / TABLES).names()):
        if not file.endswith(".json"):
            continue
        try:
            table = _read(folder, f"{TABLES}/{file}", subject, width)
        except SparsetimeError as error:
            errors.append(error)
            continue
        if table is not None:
            tables[table.name] = table
    return tables, errors


def _read(folder: Folder, file: str, subject: Mapping[str, str], width: int) -> DefinedTable | None:
    """The table of a record; None where it is of an index of another subject."""
    record = folder.read_json(file, again=_AGAIN)
    where = f"{folder.url}/{file}"
    wanted = {"schema_version", "name", "sha256", "columns", "subject"}
    if not isinstance(record, dict) or not wanted <= record.keys():
        raise DamagedError(f"{where} is not the record of a feature table; add the table again")
    if record["schema_version"] != SCHEMA_VERSION:
        raise StoreError(
            f"{where} has the schema {record['schema_version']}; this sparsetime reads "
            f"{SCHEMA_VERSION}. Update sparsetime, or add the table again"
        )
    if record["subject"] != dict(subject):
        return None
    name = f"{TABLES}/{record['name']}.parquet"
    if not folder.exists(name):
        raise DamagedError(f"{folder.url}/{name} is missing; add the table again")
    if folder.sha256(name) != record["sha256"]:
        raise DamagedError(
            f"{folder.url}/{name} has another SHA-256 than its record; add the table again"
        )
    try:
        definitions = [ColumnDefinition.from_config(config) for config in record["columns"]]
        table = folder.read_table(name, SCHEMA_VERSION, _AGAIN)
        return checked_table(record["name"], table, definitions, width)
    except (SparsetimeError, KeyError, TypeError, AttributeError) as error:
        if name in str(error):
            raise
        raise DamagedError(f"{folder.url}/{name} cannot be read: {error}. {_AGAIN}") from error


def _columns_of(table: pa.Table) -> dict[str, Any]:
    return {name: table[name] for name in table.column_names}


def _array(values: Any, dtype: pa.DataType) -> pa.Array:
    """The values as one Arrow array of a type; NaN of numpy arrays becomes null."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.Array):
        return values.cast(dtype)
    return pa.array(values, dtype, from_pandas=True)


def _order(name: str, features: np.ndarray, width: int) -> np.ndarray:
    """The rows in the order of their features. Errors: MismatchError for other features."""
    if len(features) == width and (np.sort(features) == np.arange(width)).all():
        return np.argsort(features)
    counts = np.bincount(features[(features >= 0) & (features < width)], minlength=width)
    raise MismatchError(
        f"table {name!r} has {len(features)} rows; the index has the features 0 to {width - 1}, "
        f"of which {int((counts == 0).sum())} are missing and {int((counts > 1).sum())} occur more "
        f"than once. Give each feature one row, with nulls where a value is unknown"
    )
