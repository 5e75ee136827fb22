"""Files of an export, and the list of their checksums, by which the pages check what they read."""

from __future__ import annotations

import json
import zlib
from typing import Any, final

from pydantic import BaseModel

from sparsetime.files import Folder
from sparsetime.files.check_folder import CHECKSUMS

RECORD, SCHEMA_VERSION = "export.json", 1
_AGAIN = "Choose another folder, or write over it with force=True"


@final
class ExportFiles:
    """Writes the files of an export; `finish` writes the list of their checksums.

    The files hold no marks of their own, so that those of data are the API's answers as they are.
    A record, `export.json`, says whether all of them are written.
    """

    def __init__(self, folder: Folder, run: str) -> None:
        self._folder = folder
        self._record = {"schema_version": SCHEMA_VERSION, "run": run}
        self._checksums: dict[str, str] = {}
        folder.write_json(RECORD, {**self._record, "complete": False}, SCHEMA_VERSION)

    def write(self, name: str, value: Any) -> None:
        """Write a value of records as JSON."""
        self.write_bytes(name, as_json(value))

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a file."""
        self._checksums[name] = f"{zlib.crc32(data):08x}"
        self._folder.write_bytes(name, data)

    def finish(self, name: str, data: bytes) -> None:
        """Write the list of checksums, then a last file, by which the export is complete."""
        self._checksums[name] = f"{zlib.crc32(data):08x}"
        listing = {"schema_version": SCHEMA_VERSION, "files": self._checksums}
        self._folder.write_json(CHECKSUMS, listing, SCHEMA_VERSION, indent=0)
        self._folder.write_bytes(name, data)
        self._folder.write_json(RECORD, {**self._record, "complete": True}, SCHEMA_VERSION)


def is_unfinished(folder: Folder) -> bool:
    """Whether a folder holds an export that was interrupted, which another call may replace.

    Errors: DamagedError where its record is damaged.
    """
    if not folder.exists(RECORD):
        return False
    record = folder.read_json(RECORD, SCHEMA_VERSION, _AGAIN)
    return isinstance(record, dict) and record.get("complete") is False


def as_json(value: Any) -> bytes:
    """A value of records as compact JSON."""

    def plain(each: Any) -> Any:
        if isinstance(each, BaseModel):
            return each.model_dump(mode="json")
        raise TypeError(f"{type(each).__name__} is no record")

    text = json.dumps(value, default=plain, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace")
