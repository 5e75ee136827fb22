"""Bytes of files with a checksum mark: JSON, lines of JSON, text, safetensors, Parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sparsetime.errors import DamagedError
from sparsetime.files.checksum import AGAIN, KEY, sign, signed, unsigned

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from torch import Tensor

_COMMENTS = {".md": ("<!-- ", " -->"), ".html": ("<!-- ", " -->"), ".yaml": ("# ", "")}
_DOCTYPE = "<!doctype html>\n"  # nothing may stand before it


def json_bytes(value: Mapping[str, Any], version: int, indent: int | None = 2) -> bytes:
    """A JSON object whose first key is its mark; `version` is of its format."""
    marked = {KEY: unsigned(version), **value}
    separators = (",", ":") if indent is None else None
    text = json.dumps(marked, indent=indent, ensure_ascii=False, separators=separators)
    # Half of a surrogate pair, which a text may hold, is no UTF-8.
    return signed(text.encode("utf-8", "replace") + b"\n")


def line_bytes(value: Mapping[str, Any], version: int) -> bytes:
    """One line of a log, without its end: a JSON object whose first key is its mark."""
    marked = {KEY: unsigned(version), **value}
    text = json.dumps(marked, ensure_ascii=False, separators=(",", ":"))
    return signed(text.encode("utf-8", "replace"))


def lines_bytes(values: Iterable[Mapping[str, Any]], version: int) -> bytes:
    """Lines of a log, each with its end."""
    return b"".join(line_bytes(value, version) + b"\n" for value in values)


def parsed(data: bytes, where: str, again: str = AGAIN) -> Any:
    """The value of JSON, without its mark. Errors: DamagedError where it is no JSON."""
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{where} is not valid JSON: {error}. {again}") from error
    if isinstance(value, dict):
        value.pop(KEY, None)
    return value


def text_bytes(name: str, text: str, version: int) -> bytes:
    """Text with its mark in a comment of its first line, as its kind of file has comments."""
    opening, closing = _COMMENTS["." + name.rpartition(".")[2]]
    first = _DOCTYPE if text.startswith(_DOCTYPE) else ""
    comment = f"{opening}{unsigned(version)}{closing}\n"
    return signed((first + comment + text.removeprefix(first)).encode())


def unmarked_text(name: str, text: str) -> str:
    """The text without the comment that `text_bytes` added."""
    first = _DOCTYPE if text.startswith(_DOCTYPE) else ""
    rest = text.removeprefix(first)
    opening = _COMMENTS["." + name.rpartition(".")[2]][0]
    return first + (rest.partition("\n")[2] if rest.startswith(f"{opening}sparsetime:") else rest)


def tensor_bytes(
    tensors: Mapping[str, Tensor] | Mapping[str, np.ndarray],
    version: int,
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """A safetensors file of torch tensors, or of NumPy arrays; its mark is in the metadata."""
    import numpy as np

    marked = {KEY: unsigned(version), **(metadata or {})}
    if all(isinstance(one, np.ndarray) for one in tensors.values()):
        from safetensors.numpy import save as save_arrays

        return signed(save_arrays({n: np.ascontiguousarray(a) for n, a in tensors.items()}, marked))
    from safetensors.torch import save

    return signed(save({n: t.contiguous() for n, t in tensors.items()}, marked))  # type: ignore[union-attr]


def table_bytes(table: pa.Table, version: int, row_group_size: int | None = None) -> bytes:
    """A Parquet file of a table, compressed with zstd; its mark is in the metadata of the file.

    The same table gives the same bytes.
    """
    return tables_bytes([table], table.schema, version, row_group_size)


def tables_bytes(
    tables: Iterable[pa.Table],
    schema: pa.Schema,
    version: int,
    row_group_size: int | None = None,
) -> bytes:
    """`table_bytes` of the tables one after another, of which few are in memory at a time.

    However they are divided, their concatenation gives the same bytes where row_group_size is set.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()  # signed in place: neither a buffer of twice the size nor a copy is made
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        rest, is_empty = schema.empty_table(), True
        for table in tables:
            rest = pa.concat_tables([rest, table])
            whole = len(rest) // row_group_size * row_group_size if row_group_size else len(rest)
            if whole:
                writer.write_table(rest.slice(0, whole).combine_chunks(), row_group_size)
                rest, is_empty = rest.slice(whole).combine_chunks(), False
        if len(rest) or is_empty:
            writer.write_table(rest, row_group_size)
        writer.add_key_value_metadata({KEY: unsigned(version)})
    with sink.getbuffer() as data:
        sign(data)
    return sink.getvalue()
