"""Temporary files of writes: their names, and the removal of those that killed processes left."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
import uuid
import zlib
from contextlib import suppress
from pathlib import Path

SUFFIX = ".partial"
_NAME = re.compile(r"\.([0-9a-f]{8})-([0-9]{1,10})-[0-9a-f]{8}\.partial")
_ABANDONED = 3600.0  # seconds since the last change, where the writer cannot be looked at


def partial_name(path: str) -> str:
    """The path beside a file at which it is written first; it names the machine and the process."""
    return f"{path}.{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}{SUFFIX}"


def is_running(machine: str, process: int) -> bool | None:
    """Whether a process of a machine (its code in names) is running; None where that is unknown."""
    if machine != _machine() or sys.platform == "win32":
        return None
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def remove_leftovers(folder: Path) -> list[Path]:
    """Remove the temporary files in a local folder, and below it, whose writers were killed.

    A file is left alone while its process is running; if that is on another machine, for an hour
    after its last change. Names of 0.1.0 say no process; they are removed.
    """
    removed = []
    for path in folder.rglob(f"*{SUFFIX}"):
        named = _NAME.search(path.name)
        with suppress(OSError):
            if named is not None:
                running = is_running(named[1], int(named[2]))
                if running or (running is None and _is_recent(path)):
                    continue
            path.unlink()
            removed.append(path)
    return removed


def _is_recent(path: Path) -> bool:
    return time.time() - path.stat().st_mtime < _ABANDONED


def _machine() -> str:
    return f"{zlib.crc32(platform.node().encode()):08x}"
