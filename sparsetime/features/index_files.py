"""Files of a feature index: its tables, and a record that is written last."""

from __future__ import annotations

import errno
import hashlib
import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from sparsetime.errors import DamagedError, StoreError
from sparsetime.features import schemas
from sparsetime.files import Folder
from sparsetime.progress import progress

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from sparsetime.features.build_tables import EncodedStore

SCHEMA_VERSION = 2
RECORD = "index.json"
DIRECTIONS = "directions.safetensors"  # only of a code source that is no dictionary
# The file of the examples has another name since version 2.
_EXAMPLES = {1: "moments.parquet", 2: "examples.parquet"}
_SCHEMAS = {
    "features.parquet": schemas.FEATURES,
    "codes.parquet": schemas.CODES,
    "sequences.parquet": schemas.SEQUENCES,
}
HISTORY = "history.parquet"  # only where the training kept snapshots
#: All files that an index of any version may have written.
OWN_FILES = (RECORD, *_SCHEMAS, *_EXAMPLES.values(), HISTORY, DIRECTIONS)
AGAIN = "Make it again with sparsetime.index(…, force=True)"
# A look-up reads the row groups that hold the feature, after the file's list of groups. Smaller
# groups make that list the slow part, larger ones the reading.
_ROW_GROUP = 131_072


def write_index(
    coded: EncodedStore,
    folder: Folder,
    subject: dict[str, str],
    about: dict[str, Any],
    show: bool = False,
    directions: Float[Tensor, "width d"] | None = None,
) -> dict[str, Any]:
    """Write the tables, then the record that makes them an index; returns the record.

    subject: hashes of what was encoded. about: further entries of the record.
    """
    # Here, so that reading an index does not import what builds one.
    from sparsetime.features import build_tables

    makers = {
        "features.parquet": build_tables.feature_table,
        _EXAMPLES[SCHEMA_VERSION]: build_tables.example_table,
        "codes.parquet": build_tables.code_table,
        "sequences.parquet": build_tables.sequence_table,
    }
    files = {}
    with progress("write the index", len(makers), "tables", show) as bar:
        for name, make in makers.items():
            bar.say(name)
            files[name] = _write_table(folder, name, make(coded))
            bar.advance()
    if directions is not None:
        from safetensors.torch import save

        data = save({"directions": directions.contiguous()})
        folder.write_bytes(DIRECTIONS, data)
        files[DIRECTIONS] = {"bytes": len(data)}
    record = {
        "schema_version": SCHEMA_VERSION,
        "width": coded.code.width,
        "groups": list(coded.groups),
        "rows": coded.code.rows,
        "entries": len(coded.code.indices),
        "sequences": len(coded.numbers),
        **about,
        "columns": [column.to_config() for column in schemas.FEATURE_COLUMNS],
        "subject": subject,
        "files": files,
    }
    folder.write_json(RECORD, record)
    return record


def add_history(
    folder: Folder, record: dict[str, Any], history: pa.Table, about: dict[str, Any]
) -> dict[str, Any]:
    """Write the history of the features into a finished index; returns its new record.

    about: the record's entry `history`.
    """
    files = {name: file for name, file in record["files"].items() if name != HISTORY}
    if files != record["files"]:  # no reader may find the new table with the old one's size
        folder.write_json(RECORD, {**record, "files": files})
    files[HISTORY] = _write_table(folder, HISTORY, history)
    record = {**record, "files": files, "history": about}
    folder.write_json(RECORD, record)
    return record


def load_record(folder: Folder) -> dict[str, Any]:
    """The record of the index in `folder`, once all its files are there, whole and of its schema.

    Errors: StoreError where there is no index, or one of another version; DamagedError naming the
    file.
    """
    if not folder.exists(RECORD):
        state = f"it has no {RECORD}" if folder.exists() else "it does not exist"
        raise StoreError(
            f"{folder.url} is not a feature index: {state}. An index is a folder written by "
            f"sparsetime.index"
        )
    record = folder.read_json(RECORD)
    keys = {"schema_version", "width", "groups", "files"}
    if not isinstance(record, dict) or not keys <= record.keys():
        raise DamagedError(f"{folder.url}/{RECORD} is not the record of a feature index. {AGAIN}")
    if record["schema_version"] not in _EXAMPLES:
        raise StoreError(
            f"{folder.url} has the index schema {record['schema_version']}; this sparsetime reads "
            f"up to {SCHEMA_VERSION}. Update sparsetime, or make the index again with force=True"
        )
    for name, schema in {**_SCHEMAS, examples_file(record): schemas.EXAMPLES}.items():
        _check_file(folder, name, record["files"].get(name, {}).get("bytes", 0), schema)
    if HISTORY in record["files"]:
        _check_file(folder, HISTORY, record["files"][HISTORY]["bytes"], schemas.HISTORY)
    if DIRECTIONS in record["files"]:
        _check_size(folder, DIRECTIONS, record["files"][DIRECTIONS]["bytes"])
    return record


def examples_file(record: dict[str, Any]) -> str:
    """The name of the file of examples, which depends on the version that wrote the index."""
    return _EXAMPLES[record["schema_version"]]


def read_table(folder: Folder, name: str) -> pa.Table:
    """One of the tables, whole. Errors: DamagedError for a file that was damaged meanwhile."""
    try:
        with _open(folder, name) as file:
            return file.read()
    except (pa.ArrowInvalid, OSError) as error:
        raise DamagedError(f"{folder.url}/{name} cannot be read: {error}. {AGAIN}") from error


def _write_table(folder: Folder, name: str, table: pa.Table) -> dict[str, Any]:
    """Write a table; returns its size in bytes and its SHA-256."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=_ROW_GROUP)
    data = sink.getvalue().to_pybytes()
    try:
        folder.write_bytes(name, data)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StoreError(
            f"the disk is full: {name} needs {len(data):,} bytes in {folder.url}. Free some space "
            f"and index again; the folder holds no index until then"
        ) from error
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _check_size(folder: Folder, name: str, size: int) -> None:
    if not folder.exists(name):
        raise DamagedError(f"{folder.url}/{name} is missing. {AGAIN}")
    if folder.size(name) != size:
        raise DamagedError(
            f"{folder.url}/{name} has {folder.size(name):,} bytes where {size:,} were written. "
            f"{AGAIN}"
        )


def _check_file(folder: Folder, name: str, size: int, schema: pa.Schema) -> None:
    _check_size(folder, name, size)
    try:
        with _open(folder, name) as file:
            present = file.schema_arrow
    except (pa.ArrowInvalid, OSError) as error:
        raise DamagedError(f"{folder.url}/{name} is not a Parquet file: {error}. {AGAIN}") from None
    if not present.equals(schema):
        lacking = [
            f.name
            for f in schema
            if f.name not in present.names or present.field(f.name).type != f.type
        ]
        columns = ", ".join(lacking) or f"got {', '.join(present.names)}"
        raise DamagedError(f"{folder.url}/{name} lacks columns of an index: {columns}. {AGAIN}")


def _open(folder: Folder, name: str) -> pq.ParquetFile:
    source = str(folder.path(name)) if folder.is_local else io.BytesIO(folder.read_bytes(name))
    return pq.ParquetFile(source)
