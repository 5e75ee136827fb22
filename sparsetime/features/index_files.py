"""Files of a feature index: its tables, and a record that is written last."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from sparsetime.errors import DamagedError, StoreError
from sparsetime.features import schemas
from sparsetime.files import Folder
from sparsetime.files.blocks import block_record, check_blocks
from sparsetime.files.formats import tables_bytes, tensor_bytes
from sparsetime.progress import progress

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from sparsetime.features.build_tables import EncodedStore

SCHEMA_VERSION = 2
RECORD = "index.json"
#: Key of the record: first row in the store and one past the last of each sequence; None where all
#: are whole.
SPANS = "spans"
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

    # The largest are made in parts: whole, with their bytes, they would need several gigabytes.
    makers: dict[str, Callable[[EncodedStore], Iterable[pa.Table]]] = {
        "features.parquet": lambda coded: [build_tables.feature_table(coded)],
        _EXAMPLES[SCHEMA_VERSION]: build_tables.example_tables,
        "codes.parquet": build_tables.code_tables,
        "sequences.parquet": lambda coded: [build_tables.sequence_table(coded)],
    }
    table_schemas = _SCHEMAS | {_EXAMPLES[SCHEMA_VERSION]: schemas.EXAMPLES}
    files = {}
    with progress("write the index", len(makers), "tables", show) as bar:
        for name, make in makers.items():
            bar.say(name)
            files[name] = _write_tables(folder, name, make(coded), table_schemas[name])
            bar.advance()
    if directions is not None:
        data = tensor_bytes({"directions": directions}, SCHEMA_VERSION)
        folder.write_bytes(DIRECTIONS, data)
        files[DIRECTIONS] = block_record(data)
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
    folder.write_json(RECORD, record, SCHEMA_VERSION)
    return record


def add_history(
    folder: Folder, record: dict[str, Any], history: pa.Table, about: dict[str, Any]
) -> dict[str, Any]:
    """Write the history of the features into a finished index; returns its new record.

    about: the record's entry `history`.
    """
    files = {name: file for name, file in record["files"].items() if name != HISTORY}
    if files != record["files"]:  # no reader may find the new table with the old one's size
        folder.write_json(RECORD, {**record, "files": files}, SCHEMA_VERSION)
    files[HISTORY] = _write_tables(folder, HISTORY, [history], history.schema)
    record = {**record, "files": files, "history": about}
    folder.write_json(RECORD, record, SCHEMA_VERSION)
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
    record: dict[str, Any] = folder.read_json(RECORD, again=AGAIN)
    if not _is_record(record):
        raise DamagedError(f"{folder.url}/{RECORD} is not the record of a feature index. {AGAIN}")
    if record["schema_version"] not in _EXAMPLES:
        raise StoreError(
            f"{folder.url} has the index schema {record['schema_version']}; this sparsetime reads "
            f"up to {SCHEMA_VERSION}. Update sparsetime, or make the index again with force=True"
        )
    try:
        for name, schema in {**_SCHEMAS, examples_file(record): schemas.EXAMPLES}.items():
            _check_file(folder, name, record["files"].get(name, {"bytes": 0}), schema)
        if HISTORY in record["files"]:
            _check_file(folder, HISTORY, record["files"][HISTORY], schemas.HISTORY)
        if DIRECTIONS in record["files"]:
            check_blocks(folder, DIRECTIONS, record["files"][DIRECTIONS], (), AGAIN)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise DamagedError(
            f"{folder.url}/{RECORD} is not the record of a feature index "
            f"({type(error).__name__}: {error}). {AGAIN}"
        ) from error
    return record


def _is_record(record: Any) -> bool:
    """Whether JSON has what every version of the record has."""
    if not isinstance(record, dict) or not {"schema_version", "groups"} <= record.keys():
        return False
    groups = record["groups"]
    return (
        isinstance(record.get("width"), int)
        and isinstance(record.get("files"), dict)
        and isinstance(record.get("subject", {}), dict)
        and isinstance(groups, list)
        and all(isinstance(end, int) for end in groups)
    )


def examples_file(record: dict[str, Any]) -> str:
    """The name of the file of examples, which depends on the version that wrote the index."""
    return _EXAMPLES[record["schema_version"]]


def read_table(folder: Folder, name: str, record: dict[str, Any]) -> pa.Table:
    """One of the tables of an index with this record, whole.

    Errors: DamagedError for a file that is not what was written.
    """
    check_blocks(folder, name, record["files"][name], again=AGAIN)
    return folder.read_table(name, SCHEMA_VERSION, AGAIN)


def read_directions(folder: Folder, record: dict[str, Any]) -> Tensor:
    """The directions that a code source gave its features. Errors: DamagedError."""
    check_blocks(folder, DIRECTIONS, record["files"][DIRECTIONS], again=AGAIN)
    return folder.read_tensors(DIRECTIONS, SCHEMA_VERSION, AGAIN)["directions"]


def _write_tables(
    folder: Folder, name: str, tables: Iterable[pa.Table], schema: pa.Schema
) -> dict[str, Any]:
    """Write a table, given in parts; returns its size in bytes and the checksums of its blocks."""
    data = tables_bytes(tables, schema, SCHEMA_VERSION, _ROW_GROUP)
    try:
        folder.write_bytes(name, data)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StoreError(
            f"the disk is full: {name} needs {len(data):,} bytes in {folder.url}. Free some space "
            f"and index again; the folder holds no index until then"
        ) from error
    return block_record(data)


def _check_file(folder: Folder, name: str, record: dict[str, Any], schema: pa.Schema) -> None:
    """Check a table's size, the end that describes it, and its schema."""
    check_blocks(folder, name, record, (), AGAIN)
    size = folder.size(name)
    try:
        footer = int.from_bytes(folder.read_bytes(name, size - 8, size - 4), "little") + 8
        check_blocks(folder, name, record, [(max(0, size - footer), size)], AGAIN)
        with _open(folder, name) as file:
            present = file.schema_arrow
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, ValueError) as error:
        raise DamagedError(f"{folder.url}/{name} is not a Parquet file: {error}. {AGAIN}") from None
    if not schemas.holds(present, schema):
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
