"""Logs: lines appended to a local file, or put into a remote folder as numbered pieces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sparsetime.files.folder import Folder

_NAME = re.compile(r"([0-9]{6})-([0-9]{8})\.jsonl")


def append_to_log(folder: Folder, name: str, data: bytes) -> None:
    """Add lines to a log: at the end of a local file, or by one put of a remote piece.

    Object stores cannot append, and rewriting a log for each line would move a quadratic number of
    bytes.
    """
    pieces = _pieces(folder, name)
    if folder.is_local:
        if pieces and not folder.exists(name):  # a remote run that was copied here
            write_log(folder, name, read_log(folder, name) or b"")
        _append(folder.path(name), data)
        return
    if not pieces and folder.exists(name):  # a local run that was copied there
        write_log(folder, name, _after(b"", folder.read_bytes(name)))
        pieces = _pieces(folder, name)
    generation, number = pieces[-1] if pieces else (0, -1)
    _pieces_of(folder, name).write_bytes(_piece(generation, number + 1), data)


def write_log(folder: Folder, name: str, data: bytes) -> None:
    """Write a log as a whole.

    Remote, it is the first piece of a new generation, which alone is read from then. Older pieces
    are removed once it is there, so that a crash leaves one log or the other.
    """
    before, pieces = _pieces(folder, name), _pieces_of(folder, name)
    if folder.is_local:
        folder.write_bytes(name, data)
        pieces.remove()
        return
    generation = before[-1][0] + 1 if before else 1
    pieces.write_bytes(_piece(generation, 0), data)
    for old in before:
        pieces.remove(_piece(*old))
    folder.remove(name)


def read_log(folder: Folder, name: str) -> bytes | None:
    """The bytes of a log, of one file or of the pieces of the newest generation; None for none."""
    if folder.is_local and folder.exists(name):
        return folder.read_bytes(name)
    pieces = _pieces(folder, name)
    if not pieces:
        return folder.read_bytes(name) if folder.exists(name) else None
    newest, within = pieces[-1][0], _pieces_of(folder, name)
    parts = (within.read_bytes(_piece(*at)) for at in pieces if at[0] == newest)
    return b"".join(part if part.endswith(b"\n") else part + b"\n" for part in parts)


def _append(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab+") as file:
        # A half line that a crash left must not take the next one with it.
        file.seek(max(0, file.tell() - 1))
        file.write(_after(file.read(1), data))


def _after(last: bytes, data: bytes) -> bytes:
    """The lines as they follow a file whose last byte is `last`."""
    return data if last in (b"", b"\n") else b"\n" + data


def _pieces(folder: Folder, name: str) -> list[tuple[int, int]]:
    """Generation and number of every piece, ascending."""
    found = (_NAME.fullmatch(one) for one in _pieces_of(folder, name).names())
    return sorted((int(match[1]), int(match[2])) for match in found if match)


def _pieces_of(folder: Folder, name: str) -> Folder:
    return folder / f"{name}.pieces"


def _piece(generation: int, number: int) -> str:
    return f"{generation:06d}-{number:08d}.jsonl"
