"""Tables of numbers or texts: CSV, TSV and Parquet files, by pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sparsetime.activations.annotations.label_table import ID
from sparsetime.activations.annotations.table_file import AnnotationTable, read_table
from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.recording import Recording
from sparsetime.activations.readers.reader import Outline, reader
from sparsetime.errors import DataError, unknown_name

TEXT, TIME, STEP = "text", "time", "step"
SECONDS = ("second", "seconds", "s")  # names of the unit by which a rate is in Hz
_UNEVEN = 0.01  # of a step: the most that a time may be off an even spacing


@reader("table", ".csv", ".tsv", ".parquet", ".pq")
def table(
    path: Path,
    *,
    columns: Sequence[str] | None = None,
    time: str | None = None,
    rate: float | None = None,
    unit: str = "",
) -> list[Outline]:
    """Recordings of a table, a row a step; or its texts, a row each.

    A table with a column `text` holds texts, and what is beside it are labels of them. Any other
    holds steps: its columns of numbers are the channels, and those of texts are step labels.
    columns: which are channels, in this order; other numbers are step labels then. A column `id`
    divides it into several recordings.

    time: the column with the time of each row, a number or a date; None: the column "time", if
    there is one. Times must ascend and be evenly spaced, to a hundredth of a step. rate: rows a
    second, in place of times. unit: of the times, such as "ms" or "year"; "second" where none is
    given, except of whole numbers one apart, which count steps.

    Errors: DataError, with the file and the row, for a missing number, times that go back or are
    unevenly spaced, and rows of one id that are apart; UnknownNameError for a column that does not
    exist.
    """
    options = (None if columns is None else tuple(columns), time, rate, unit)

    def document(number: int) -> Document:
        return _documents(path, path.stat().st_mtime_ns, *options)[number]

    found = enumerate(_documents(path, path.stat().st_mtime_ns, *options))
    return [_outline(path, one, partial(document, number)) for number, one in found]


@lru_cache(maxsize=1)  # the recordings of one table are read one after another
def _documents(
    path: Path,
    modified: int,
    columns: tuple[str, ...] | None,
    time: str | None,
    rate: float | None,
    unit: str,
) -> list[Document]:
    whole = read_table(path, "the data")
    if not whole.table.num_rows:
        raise DataError(f"{path} has no rows; leave it out")
    if TEXT in whole.columns and columns is None and _is_text(whole, TEXT):
        return list(_texts(whole, path))
    for name in (*(columns or ()), *([time] if time else [])):
        if name not in whole.columns:
            raise unknown_name(f"column of {path.name}", name, whole.columns)
    if time is None and rate is None and TIME in whole.columns:
        time = TIME
    chosen = [n for n in whole.columns if n not in (time, ID) and _is_number(whole, n)]
    chosen = chosen if columns is None else list(columns)
    if not chosen:
        raise DataError(f"got {path} with no column of numbers, expected at least one channel")
    others = [n for n in whole.columns if n not in (*chosen, time, TIME, ID)]
    # Numbers are labels where the channels are named: without names they would be channels.
    beside = [
        n for n in others if _is_text(whole, n) or (columns is not None and _is_number(whole, n))
    ]
    parts = list(_parts(whole))
    times = _times_of_parts(whole, parts, time, rate)
    counts = all(not date and step == 1 and start == int(start) for start, step, date in times)
    unit = unit or (STEP if counts and rate is None else SECONDS[0])
    return [
        _document(whole, part, chosen, beside, of_part, unit)
        for part, of_part in zip(parts, times, strict=True)
    ]


def _times_of_parts(
    whole: AnnotationTable,
    parts: Sequence[tuple[str, int, int]],
    time: str | None,
    rate: float | None,
) -> list[tuple[float, float, str]]:
    """Start, step and date of each recording; one of a single row has the step of the others."""
    if time is None:
        return [(0.0, 1.0 if rate is None else 1 / rate, "")] * len(parts)
    times = [_times(whole, time, first, stop) for _, first, stop in parts]
    steps = [
        step
        for (_, step, _), (_, first, stop) in zip(times, parts, strict=True)
        if stop > first + 1
    ]
    common = steps[0] if steps else 1.0
    return [
        (start, 1 / rate if rate else step if stop > first + 1 else common, date)
        for (start, step, date), (_, first, stop) in zip(times, parts, strict=True)
    ]


def _document(
    whole: AnnotationTable,
    part: tuple[str, int, int],
    channels: Sequence[str],
    beside: Sequence[str],
    times: tuple[float, float, str],
    unit: str,
) -> Document:
    name, first, stop = part
    values = _numbers(whole, channels, first, stop)
    start, step, date = times
    labels = {n: whole.table[n].slice(first, stop - first).to_pylist() for n in beside}
    return Document(
        name,
        values=values,
        step_labels=labels,
        start=start,
        step=step,
        unit=unit,
        source=str(whole.path),
        recording=Recording(1 / step if unit in SECONDS else None, channels=channels, date=date),
    )


def _outline(path: Path, document: Document, read: Callable[[], Document]) -> Outline:
    facts = document.recording or Recording()
    return Outline(
        document.id,
        path,
        None if document.kind == "text" else len(document),
        read,
        facts.rate,
        tuple(facts.channels),
        start=document.start,
        step=document.step,
    )


def _texts(whole: AnnotationTable, path: Path) -> Iterator[Document]:
    for number, row in enumerate(whole.table.to_pylist()):
        text = row.pop(TEXT)
        if not text:
            raise DataError(f"{whole.where(number)} has no text; leave it out")
        name = row.pop(ID, None) or f"{path.stem}:{number + 1}"
        labels = {k: v for k, v in row.items() if isinstance(v, str | int | float | bool)}
        yield Document(name, text=text, labels=labels, source=str(path))


def _parts(whole: AnnotationTable) -> Iterator[tuple[str, int, int]]:
    """Name, first row and one past the last of each recording. Errors: see `table`."""
    count = whole.table.num_rows
    if ID not in whole.columns:
        yield whole.path.stem if whole.path else "", 0, count
        return
    ids = whole.table[ID].to_pylist()
    firsts = [n for n in range(count) if n == 0 or ids[n] != ids[n - 1]]
    begun: dict[str, int] = {}
    for first, stop in zip(firsts, [*firsts[1:], count], strict=True):
        name = ids[first]
        if name is None:
            raise DataError(f"{whole.where(first)} has no id; name its recording")
        if name in begun:
            raise DataError(
                f"{whole.where(first)} is of {name!r} again, after rows of others; sort the table "
                "by id"
            )
        begun[name] = first
        yield name, first, stop


def _numbers(
    whole: AnnotationTable, columns: Sequence[str], first: int, stop: int
) -> np.ndarray[Any, Any]:
    values = np.empty((stop - first, len(columns)), dtype=np.float32)
    for at, name in enumerate(columns):
        column = whole.table[name].slice(first, stop - first)
        if not _is_number(whole, name):
            raise DataError(
                f"got the column {name!r} of {whole.name} with {column.type}, expected numbers; "
                "leave it out of columns="
            )
        numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        missing = np.flatnonzero(~np.isfinite(numbers))
        if len(missing):
            raise DataError(
                f"{whole.where(first + int(missing[0]))} has no number as {name!r}, as "
                f"{len(missing)} of {len(numbers)} rows; fill them in, or leave the column out "
                "with columns="
            )
        values[:, at] = numbers
    return values


def _times(whole: AnnotationTable, name: str, first: int, stop: int) -> tuple[float, float, str]:
    """Start, step and date of the rows; the date is "" for times that are numbers."""
    column = whole.table[name].slice(first, stop - first)
    date = ""
    if pa.types.is_temporal(column.type):
        date = column[0].as_py().isoformat() if column[0].is_valid else ""
        column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    elif not _is_number(whole, name):
        raise DataError(f"got the column {name!r} of {whole.name} as times, expected numbers")
    times = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    if date:
        times = (times - times[0]) / 1e6
    missing = np.flatnonzero(~np.isfinite(times))
    if len(missing):
        raise DataError(f"{whole.where(first + int(missing[0]))} has no time in {name!r}")
    if len(times) == 1:
        return float(times[0]), 1.0, date
    apart = np.diff(times)
    back = np.flatnonzero(apart <= 0)
    if len(back):
        row = int(back[0]) + 1
        raise DataError(
            f"{whole.where(first + row)} is at {times[row]:g}, and the row above it at "
            f"{times[row - 1]:g}: times go back; sort the table by {name!r}, or divide it by a "
            "column id"
        )
    step = float(np.median(apart))
    uneven = np.flatnonzero(np.abs(apart - step) > _UNEVEN * step)
    if len(uneven):
        row = int(uneven[0]) + 1
        raise DataError(
            f"{whole.where(first + row)} is {apart[row - 1]:g} after the row above it, and most "
            f"are {step:g} apart; resample the table to even times, or give rate= to take the "
            "rows as even"
        )
    return float(times[0]), float((times[-1] - times[0]) / (len(times) - 1)), date


def _is_text(whole: AnnotationTable, name: str) -> bool:
    kind = whole.table.schema.field(name).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(whole: AnnotationTable, name: str) -> bool:
    kind = whole.table.schema.field(name).type
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    return any(bool(test(kind)) for test in tests)
