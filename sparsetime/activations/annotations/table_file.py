"""Tables of annotations: CSV, TSV and Parquet files, or tables in memory, with names for errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, final

import pyarrow as pa

from sparsetime.errors import DataError

#: A path of a .csv, .tsv or .parquet file, a table of pyarrow or pandas, columns by name, or a list
#: of rows, each a mapping.
TableLike: TypeAlias = Any

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_PARQUET = (".parquet", ".pq")
_MISSING = ["", "n/a", "N/A", "NA", "NaN", "nan", "null"]  # BIDS writes n/a
TEXT_COLUMNS = ("id", "trial_type")  # "007" stays a name


@final
@dataclass(frozen=True)
class AnnotationTable:
    """A table, and how errors name it. Rows are counted from 1, without a header."""

    table: pa.Table
    name: str
    path: Path | None = None

    @property
    def columns(self) -> list[str]:
        return [str(name) for name in self.table.column_names]

    def where(self, row: int) -> str:
        """The name of row `row` (from 0), as in "events.tsv, row 3"."""
        return f"{self.name}, row {row + 1}"

    def require(self, *columns: str) -> None:
        """Errors: DataError naming the columns that are missing."""
        missing = [name for name in columns if name not in self.columns]
        if missing:
            raise DataError(
                f"got {self.name} with the columns {', '.join(self.columns) or '(none)'}, expected "
                f"{', '.join(columns)}; add {', '.join(missing)}"
            )


def read_table(source: TableLike, what: str) -> AnnotationTable:
    """A table of annotations from a file or from memory.

    what: the table in errors where it has no path, such as "the labels". Empty cells and "n/a" are
    missing. The columns `id` and `trial_type` are read as texts.

    Errors: DataError for a file that is missing, of another kind or cannot be parsed, and for what
    is no table.
    """
    if isinstance(source, AnnotationTable):
        return source
    if isinstance(source, str | Path):
        return _of_file(Path(source), what)
    return AnnotationTable(_as_texts(_of_memory(source, what)), what)


def _of_file(path: Path, what: str) -> AnnotationTable:
    suffix = path.suffix.lower()
    if not path.is_file():
        raise DataError(f"got {path} as {what}, and there is no such file; give a .csv or .tsv")
    if suffix not in (*_DELIMITERS, *_PARQUET):
        raise DataError(
            f"got {path} as {what}, expected a table in .csv, .tsv or .parquet; save it as one"
        )
    try:
        if suffix in _PARQUET:
            import pyarrow.parquet as pq

            table = pq.read_table(path)
        else:
            table = _of_text(path, _DELIMITERS[suffix])
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a table: {error}") from error
    return AnnotationTable(_as_texts(table), str(path), path)


def _of_text(path: Path, delimiter: str) -> pa.Table:
    from pyarrow import csv

    return csv.read_csv(
        path,
        parse_options=csv.ParseOptions(delimiter=delimiter),
        convert_options=csv.ConvertOptions(
            column_types={name: pa.string() for name in TEXT_COLUMNS},
            null_values=_MISSING,
            strings_can_be_null=True,
        ),
    )


def _of_memory(source: Any, what: str) -> pa.Table:
    try:
        if isinstance(source, pa.Table):
            return source
        if type(source).__name__ == "DataFrame":
            arrow = getattr(source, "to_arrow", None)  # of polars
            return arrow() if arrow else pa.Table.from_pandas(source, preserve_index=False)
        if isinstance(source, Mapping):
            return pa.table(dict(source))
        if isinstance(source, Sequence) and all(isinstance(row, Mapping) for row in source):
            return pa.Table.from_pylist([dict(row) for row in source])
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"{what} cannot be read as a table: {error}") from error
    raise DataError(
        f"got a {type(source).__name__} as {what}, expected a path, a table, columns by name, or a "
        "list of rows as mappings"
    )


def _as_texts(table: pa.Table) -> pa.Table:
    for name in TEXT_COLUMNS:
        if name in table.column_names and not pa.types.is_string(table.schema.field(name).type):
            at = table.schema.get_field_index(name)
            table = table.set_column(at, name, table[name].cast(pa.string()))
    return table
