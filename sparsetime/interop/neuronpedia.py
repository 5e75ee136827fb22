"""Neuronpedia's explanations of features, as a table of an index."""

from __future__ import annotations

import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator
from typing import Any

from sparsetime.errors import DataError, StoreError
from sparsetime.features.column_definition import ColumnDefinition
from sparsetime.features.index import FeatureIndex
from sparsetime.interop.foreign_files import ForeignFiles

TABLE = "neuronpedia"
_LARGEST = 1 << 30  # bytes of one file when it is unpacked; published batches have a few megabytes
_SUFFIXES = (".jsonl", ".jsonl.gz")


def add_neuronpedia_explanations(index: FeatureIndex, path: str | os.PathLike[str]) -> int:
    """Add the table "neuronpedia" to an index, whose explanations name features; returns how many.

    path: a folder, file or URL of Neuronpedia's export, batches of JSON lines (`.jsonl.gz`) with
    `index`, `description`, `explanationModelName` and `typeName`. Of several explanations of a
    feature the first counts. Features without one have none.

    Errors: StoreError where no batch is there; DataError for a line that is no explanation, for a
    feature that the index does not have, and for a file that unpacks to more than 1 GB.
    """
    source = ForeignFiles.at(os.fspath(path))
    names = [name for name in source.names() if name.endswith(_SUFFIXES)]
    if not names:
        raise StoreError(
            f"{source.where} holds no batch of explanations ({', '.join(_SUFFIXES)}); give the "
            "folder `explanations` of an export"
        )
    found: dict[int, dict[str, Any]] = {}
    for name in names:
        for number, record in _records(source, name):
            feature = _feature(record, index.width, f"{source.where}, {name}, line {number}")
            found.setdefault(feature, record)
    columns = {
        "neuronpedia": ("description", "explanation of the feature", "explanation"),
        "neuronpedia_model": ("explanationModelName", "model that wrote the explanation", "value"),
        "neuronpedia_method": ("typeName", "method of the explanation", "value"),
    }
    values: dict[str, Any] = {"feature": list(range(index.width))}
    for column, (key, _, _) in columns.items():
        texts = [found.get(feature, {}).get(key) for feature in values["feature"]]
        values[column] = [text if isinstance(text, str) else None for text in texts]
    definitions = [
        ColumnDefinition(column, "string", definition, source="Neuronpedia", role=role)  # type: ignore[arg-type]
        for column, (_, definition, role) in columns.items()
    ]
    index.add_table(TABLE, values, definitions)
    return len(found)


def _records(source: ForeignFiles, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers and objects of a batch."""
    where = f"{source.where}, {name}"
    try:
        data = source.folder.read_bytes(name)
        if name.endswith(".gz"):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                data = packed.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise DataError(f"{where} unpacks to more than {_LARGEST:,} bytes; get it again")
        lines = data.decode().splitlines()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{where} is no batch of JSON lines: {error}; get it again") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}, line {number} is not valid JSON: {error}") from None
        if not isinstance(record, dict) or not isinstance(record.get("description"), str):
            raise DataError(f"{where}, line {number} has no description, expected an explanation")
        yield number, record


def _feature(record: dict[str, Any], width: int, where: str) -> int:
    text = str(record.get("index", ""))
    if not text.isascii() or not text.isdecimal() or int(text) >= width:
        raise DataError(
            f"{where}: got the index {text!r}, expected a feature of the {width}; the explanations "
            "are of another dictionary"
        )
    return int(text)
