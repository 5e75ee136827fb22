"""Check that a file system replaces a file at once, on which whole writes rest."""

from __future__ import annotations

import threading
import warnings
from contextlib import suppress
from pathlib import Path

from sparsetime.files.partial import partial_name

_OLD, _NEW = b"old" * 4096, b"new" * 4096
_TURNS = 20
_tried: set[int] = set()  # devices, in this process


def warn_without_atomic_rename(folder: Path) -> None:
    """Warn, once a process and device, where a rename onto a file is a copy and a removal.

    A local disk, NFS and Lustre keep the inode of what is renamed. Where it changes, as on mounts
    of object stores, files are replaced several times while they are read: a reader that finds no
    file, or another content than the old or the new one, has seen the copy.
    """
    try:
        device = folder.stat().st_dev
        if device in _tried:
            return
        _tried.add(device)
        seen = _seen_while_replacing(folder)
    except OSError:  # whatever writes here fails with the reason
        return
    if seen:
        warnings.warn(
            f"{folder} is on a file system that does not replace a file at once: while one was "
            f"replaced, {seen}. A crash can leave a damaged file there, which its checksum shows. "
            "Use a local folder, or the URL of the store itself (s3://…, gs://…)",
            stacklevel=2,
        )


def _seen_while_replacing(folder: Path) -> str:
    """What a reader found in place of a whole file; "" for none."""
    target, aside = (Path(partial_name(str(folder / name))) for name in ("old", "new"))
    try:
        target.write_bytes(_OLD)
        aside.write_bytes(_NEW)
        inode = aside.stat().st_ino
        aside.replace(target)
        if target.read_bytes() != _NEW or aside.exists():
            return "the rename did not take place"
        if target.stat().st_ino == inode:
            return ""
        return _seen_by_a_reader(target, aside)
    finally:
        for path in (target, aside):
            with suppress(OSError):
                path.unlink()


def _seen_by_a_reader(target: Path, aside: Path) -> str:
    found: list[str] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set() and not found:
            try:
                if target.read_bytes() not in (_OLD, _NEW):
                    found.append("a part of it was read")
            except OSError:
                found.append("it was missing")

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    for turn in range(_TURNS):
        aside.write_bytes((_OLD, _NEW)[turn % 2])
        aside.replace(target)
    ended.set()
    reader.join()
    return found[0] if found else ""
