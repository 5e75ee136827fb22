"""Checksums of the blocks of a large file, kept in a record beside it and checked where it is read.

A mark in the file would be checked by reading all of it. By blocks, a look-up in a large table
checks what it reads.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from sparsetime.errors import DamagedError
from sparsetime.files.checksum import AGAIN
from sparsetime.files.folder import Folder

BLOCK = 1 << 20
_verified: set[tuple[Any, ...]] = set()  # blocks in this process, of a file as it was then


def block_record(data: bytes) -> dict[str, Any]:
    """The size of a file and the CRC-32 of each block of it, for a record in JSON."""
    view = memoryview(data)
    sums = [f"{zlib.crc32(view[at : at + BLOCK]):08x}" for at in range(0, len(data), BLOCK)]
    return {"bytes": len(data), "block": BLOCK, "crc32": sums}


def size_and_change(folder: Folder, name: str, again: str = AGAIN) -> tuple[int, int]:
    """Bytes of a file, and when it was changed in ns; 0 for a remote file.

    Errors: DamagedError where it is missing.
    """
    try:
        if folder.is_local:
            stat = folder.path(name).stat()
            return stat.st_size, stat.st_mtime_ns
        return folder.size(name), 0
    except FileNotFoundError:
        raise DamagedError(f"{folder.url}/{name} is missing. {again}") from None


def check_blocks(
    folder: Folder,
    name: str,
    record: Mapping[str, Any],
    spans: Iterable[tuple[int, int]] | None = None,
    again: str = AGAIN,
) -> None:
    """Check the blocks of a file that hold some of its bytes; each is read once a process.

    record: what `block_record` returned; that of 0.1.0 has no checksums. spans: first byte and end
    of each stretch that will be read; None: the whole file.

    Errors: DamagedError where the file is missing, of another size, or damaged.
    """
    where = f"{folder.url}/{name}"
    size, changed = size_and_change(folder, name, again)
    if size != record["bytes"]:
        raise DamagedError(
            f"{where} has {size:,} bytes where {record['bytes']:,} were written. {again}"
        )
    if "crc32" not in record:
        return
    block, sums = int(record["block"]), record["crc32"]
    numbers = {
        number
        for start, stop in ([(0, size)] if spans is None else spans)
        for number in range(start // block, -(-stop // block))
    }
    for number in sorted(numbers):
        key = (where, size, changed, number, sums[number])
        if key in _verified:
            continue
        data = folder.read_bytes(name, number * block, min(size, (number + 1) * block))
        if f"{zlib.crc32(data):08x}" != sums[number]:
            raise DamagedError(
                f"{where} is damaged: its bytes from {number * block:,} on are not those that were "
                f"written (the checksum differs). {again}"
            )
        _verified.add(key)
