"""Sequence table of a store, and reading and writing of its Parquet files."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sparsetime.activations.store.input_columns import INPUT_SCHEMA
from sparsetime.activations.store.manifest import DOCUMENT, PLAIN
from sparsetime.errors import DamagedError, MismatchError
from sparsetime.files import Folder
from sparsetime.files.formats import table_bytes

# The schema of the sequence table. `labels` is a JSON object; `first_row` is the row of
# the whole store at which the sequence begins. Stores of described or kept inputs also have the
# columns of INPUT_SCHEMA, and the parts of a capture DOCUMENT.
SEQUENCE_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("length", pa.int64()),
        ("start", pa.float64()),
        ("step", pa.float64()),
        ("unit", pa.string()),
        ("source", pa.string()),
        ("labels", pa.string()),
        ("text", pa.large_string()),
        ("first_row", pa.int64()),
    ]
)


def sequence_table(table: pa.Table, first_row: int) -> pa.Table:
    """`table` with every column of SEQUENCE_SCHEMA; its first sequence begins at `first_row`."""
    missing = {"id", "length"} - set(table.column_names)
    if missing:
        raise MismatchError(f"the sequence table lacks {', '.join(sorted(missing))}")
    count = table.num_rows
    length = table["length"].cast(pa.int64()).to_numpy()
    defaults: dict[str, Any] = {
        "start": 0.0,
        "step": 1.0,
        "unit": "",
        "source": "",
        "labels": "{}",
        "text": None,
    }
    if "labels" in table.column_names and pa.types.is_nested(table.schema.field("labels").type):
        labels = [json.dumps(label or {}, sort_keys=True) for label in table["labels"].to_pylist()]
        at = table.schema.get_field_index("labels")
        table = table.set_column(at, "labels", pa.array(labels, pa.string()))
    columns = {
        name: table[name].cast(SEQUENCE_SCHEMA.field(name).type)
        if name in table.column_names
        else pa.array([defaults[name]] * count, SEQUENCE_SCHEMA.field(name).type)
        for name in SEQUENCE_SCHEMA.names
        if name != "first_row"
    }
    columns["first_row"] = pa.array(first_row + np.cumsum(length) - length, pa.int64())
    schema = SEQUENCE_SCHEMA
    for field in (*INPUT_SCHEMA, pa.field(DOCUMENT, pa.int64())):
        if field.name in table.column_names:
            columns[field.name] = table[field.name].cast(field.type)
            schema = schema.append(field)
    return pa.table(columns, schema=schema)


def truncated(table: pa.Table, rows: int) -> pa.Table:
    """The sequence table with the last sequence cut to the rows that were written."""
    length = np.minimum(table["length"].to_numpy(), rows - table["first_row"].to_numpy())
    at = table.schema.get_field_index("length")
    return table.set_column(at, "length", pa.array(length, pa.int64()))


def parquet_bytes(table: pa.Table, version: int = PLAIN) -> bytes:
    """The table as one Parquet file. The same table gives the same bytes."""
    whole = table.unify_dictionaries().combine_chunks().replace_schema_metadata(None)
    return table_bytes(whole, version)


def read_parquet(folder: Folder, name: str, columns: list[str] | None = None) -> pa.Table:
    """A Parquet file of a store: whole, or some of its columns in the order asked for.

    Errors: DamagedError where it is no Parquet file.
    """
    source = str(folder.path(name)) if folder.is_local else io.BytesIO(folder.read_bytes(name))
    try:
        with pq.ParquetFile(source) as file:
            table = file.read(columns=columns)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise DamagedError(
            f"{folder.url}/{name} is not a Parquet file ({error}). Copy the store again, or "
            f"capture it again with force=True"
        ) from error
    return table if columns is None else table.select(columns)


def begun_sequences(begun: list[pa.Table], rows: int) -> pa.Table:
    """The sequences that the shards of an unfinished store began, the last cut to these rows."""
    return truncated(pa.concat_tables(begun) if begun else SEQUENCE_SCHEMA.empty_table(), rows)
