"""BlockCache: blocks of remote files on the local disk, the least recently used ones removed."""

from __future__ import annotations

import os
import threading
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, final

from sparsetime.errors import ConfigError
from sparsetime.files.partial import partial_name, remove_leftovers
from sparsetime.files.user_cache import user_cache

#: Bytes of the cache where none are given.
SIZE = 20 * 10**9
_KEPT = 0.9  # of the limit, so that not every new block removes an old one


@final
class BlockCache:
    """Blocks on disk by name, at most `limit` bytes, shared by all processes that use the folder.

    A block has its checksum in its name, and is checked when it is first read in a process, so that
    a damaged one is fetched again. Use is the time of change of its file. A cache that cannot be
    written to (a full disk, a folder without permission) keeps nothing, and reading continues.

    fsspec has caches of whole files, and of blocks without a limit or a checksum; this is the part
    that they lack.

    Errors: ConfigError for a limit that is not positive.
    """

    def __init__(self, folder: str | Path | None = None, limit: int = SIZE) -> None:
        if limit <= 0:
            raise ConfigError(f"got a cache of {limit} bytes, expected a positive size")
        self.folder = default_folder() if folder is None else Path(folder)
        self.limit = limit
        self._lock = threading.Lock()
        self._verified: set[Path] = set()
        self._size: int | None = None  # until the folder was looked through

    def __reduce__(self) -> tuple[Any, ...]:
        return BlockCache, (self.folder, self.limit)

    def has(self, name: str, crc32: str) -> bool:
        """Whether a block is there; it may have been removed when it is read."""
        return self._path(name, crc32).exists()

    def read(self, name: str, crc32: str, start: int = 0, stop: int | None = None) -> bytes | None:
        """Bytes of a block; None where it is not there, or damaged.

        A block is read whole, and checked, when it is first read in this process.
        """
        path = self._path(name, crc32)
        known = path in self._verified
        try:
            with open(path, "rb") as file:
                os.utime(path)
                if known and stop is not None:
                    file.seek(start)
                    part = file.read(stop - start)
                    return part if len(part) == stop - start else None
                data = file.read()
        except OSError:
            return None
        if not known:
            if f"{zlib.crc32(data):08x}" != crc32:
                with suppress(OSError):
                    path.unlink()
                return None
            self._verified.add(path)
        return data[start:stop]

    def write(self, name: str, crc32: str, data: bytes) -> None:
        """Keep a block, whose checksum the caller has compared."""
        path = self._path(name, crc32)
        aside = Path(partial_name(str(path)))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Without fsync: what a crash of the machine leaves is found by the checksum.
            aside.write_bytes(data)
            aside.replace(path)
        except OSError:
            with suppress(OSError):
                aside.unlink()
            return
        self._verified.add(path)
        with self._lock:
            if self._size is None:
                remove_leftovers(self.folder)
                self._size = sum(size for _, size, _ in self._files())
            else:
                self._size += len(data)
            if self._size > self.limit:
                self._remove_oldest()

    def _remove_oldest(self) -> None:
        """Remove blocks, those used longest ago first. Other processes may have written too."""
        files = sorted(self._files())
        size = sum(bytes_ for _, bytes_, _ in files)
        for _, bytes_, path in files:
            if size <= _KEPT * self.limit:
                break
            with suppress(OSError):
                path.unlink()
            self._verified.discard(path)
            size -= bytes_
        self._size = size

    def _files(self) -> list[tuple[int, int, Path]]:
        """Time of use, bytes and path of every block."""
        files = []
        for path in self.folder.rglob("*.block"):
            with suppress(OSError):
                stat = path.stat()
                files.append((stat.st_mtime_ns, stat.st_size, path))
        return files

    def _path(self, name: str, crc32: str) -> Path:
        return self.folder / f"{name}-{crc32}.block"


def default_folder() -> Path:
    """`sparsetime/blocks` in the user's folder of caches."""
    return user_cache("blocks")
