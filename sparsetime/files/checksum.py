"""Checksum marks: a file holds the schema version of its format and a CRC-32 of its own bytes.

A mark is `sparsetime:VERSION:CRC:crc32`. It stands where the format has room for a word: in JSON
and in lines of JSON as the first key, in safetensors and Parquet in the metadata, in text in a
comment. CRC is the CRC-32 of the bytes of the file, or line, with zeros for its own digits.
"""

from __future__ import annotations

import re
import zlib
from mmap import mmap
from typing import NamedTuple, TypeAlias

from sparsetime.errors import DamagedError, StoreError

Bytes: TypeAlias = bytes | mmap | memoryview

KEY = "checksum"  # of a mark in JSON and in metadata
AGAIN = "Restore it from a copy, or make it again"
_MARK = re.compile(rb"sparsetime:([0-9]{1,4}):([0-9a-f]{8}):crc32")
# One damaged byte of a mark leaves its beginning or its end. So a damaged mark is not taken for a
# file of 0.1.0, which has none.
_REMAINS = re.compile(rb"sparsetime:[0-9]|[0-9a-f]:crc32")
_ZEROS = b"00000000"
_REGION = 1 << 16  # bytes in which the mark of a file is looked for
_PARQUET = b"PAR1"  # the end of a Parquet file, whose metadata stand before it


def unsigned(version: int) -> str:
    """The mark of a file that is still to be signed, in a format of this schema version."""
    return f"sparsetime:{version}:{_ZEROS.decode()}:crc32"


def signed(data: bytes) -> bytes:
    """The bytes of a file that holds an unsigned mark, with the checksum filled in."""
    start, digits = _signature(data)
    return b"".join((data[:start], digits, data[start + len(digits) :]))


def sign(data: memoryview) -> None:
    """Fill in the checksum where the bytes are, which may be too many to copy."""
    start, digits = _signature(data)
    data[start : start + len(digits)] = digits


def _signature(data: Bytes) -> tuple[int, bytes]:
    """Where the digits of the checksum stand, and what they are."""
    mark = _find(data)
    if mark is None:
        raise ValueError("got bytes without a mark, expected one that `unsigned` made")
    return mark.start, f"{_crc(data, mark.start):08x}".encode()


def check(data: Bytes, where: str, newest: int | None = None, again: str = AGAIN) -> int | None:
    """The schema version in the mark of a file; None where it has no mark, as those of 0.1.0.

    newest: the newest schema version that the caller reads; None where the caller checks it.

    Errors: DamagedError where the bytes are not those that were signed; StoreError where a newer
    sparsetime wrote them.
    """
    mark = _find(data)
    if mark is None:
        if _REMAINS.search(_region(data)):
            raise DamagedError(f"{where} is damaged: its checksum cannot be read. {again}.")
        return None
    if mark.crc != _crc(data, mark.start):
        edited = " If it was edited on purpose, remove the checksum." if mark.start < 200 else ""
        raise DamagedError(
            f"{where} is damaged: its bytes are not those that were written (its checksum "
            f"differs). {again}.{edited}"
        )
    if newest is not None and mark.version > newest:
        raise StoreError(
            f"{where} was written by a newer sparsetime: its schema version is {mark.version}, "
            f"this one reads up to {newest}. Update sparsetime to read it"
        )
    return mark.version


class _Mark(NamedTuple):
    """A mark in a file. start: of the digits of its checksum."""

    version: int
    crc: int
    start: int


def _region(data: Bytes) -> bytes:
    return bytes(data[-_REGION:] if data[-4:] == _PARQUET else data[:_REGION])


def _find(data: Bytes) -> _Mark | None:
    """The mark of a file: the last one of Parquet, the first one of others."""
    region, at_end = _region(data), data[-4:] == _PARQUET
    marks = list(_MARK.finditer(region))
    if not marks:
        return None
    found = marks[-1 if at_end else 0]
    first = len(data) - len(region) if at_end else 0
    return _Mark(int(found[1]), int(found[2], 16), first + found.start(2))


def _crc(data: Bytes, start: int) -> int:
    """CRC-32 of the bytes, with zeros for the digits from `start` on."""
    with memoryview(data) as view:
        begun = zlib.crc32(_ZEROS, zlib.crc32(view[:start]))
        return zlib.crc32(view[start + len(_ZEROS) :], begun)
