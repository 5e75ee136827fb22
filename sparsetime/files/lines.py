"""Logs as lines of JSON, each with its own checksum."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, final

from sparsetime.errors import DamagedError
from sparsetime.files.checksum import check
from sparsetime.files.formats import parsed

_NAMED = 5  # damaged lines that a note numbers


@final
@dataclass(frozen=True)
class Lines:
    """The lines of a log that are whole, in order.

    damaged: a sentence about the lines that are not, "" where there are none. A last line without
    its end is still being written, or was cut off by a crash, and is not damaged. verified: whether
    every line has a checksum.
    """

    values: list[dict[str, Any]]
    damaged: str
    verified: bool


def parse_lines(data: bytes, where: str, newest: int) -> Lines:
    """The lines of a log. newest: the newest schema version that the caller reads.

    Errors: StoreError for a line of a newer sparsetime.
    """
    *lines, last = data.split(b"\n")
    if not _is_cut(last):
        lines.append(last)
    values: list[dict[str, Any]] = []
    damaged: list[int] = []
    verified = True
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            version = check(line, f"line {number} of {where}", newest)
            value = parsed(line, where)
        except DamagedError:
            damaged.append(number)
            continue
        if not isinstance(value, dict):
            damaged.append(number)
            continue
        verified = verified and version is not None
        values.append(value)
    return Lines(values, _note(where, damaged), verified)


def _is_cut(line: bytes) -> bool:
    """Whether a last line without its end stops within its JSON object, or is empty.

    One whose end alone is damaged holds a whole object.
    """
    try:
        json.JSONDecoder().raw_decode(line.decode("utf-8", "replace").strip())
    except ValueError:
        return True
    return False


def _note(where: str, damaged: list[int]) -> str:
    if not damaged:
        return ""
    numbers = ", ".join(map(str, damaged[:_NAMED])) + (", …" if len(damaged) > _NAMED else "")
    lines = f"lines {numbers} are" if len(damaged) > 1 else f"line {numbers} is"
    return (
        f"{where}: {lines} damaged or cut off, and left out; the others are read. Restore the file "
        f"from a copy, or remove what is damaged"
    )
