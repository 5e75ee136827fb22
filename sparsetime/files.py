"""Local and remote folders with atomic writes, and SHA-256 hashes of files."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec

from sparsetime.errors import DamagedError, StoreError

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Folder:
    """A folder, local (`runs/x`) or remote (`s3://bucket/x`, `memory://x`).

    Every write goes to a temporary name beside the target and is then renamed, so that a file
    either exists whole or does not exist.
    """

    url: str
    _fs: fsspec.AbstractFileSystem = field(init=False, repr=False, compare=False)
    _root: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fs, root = fsspec.core.url_to_fs(os.fspath(self.url))
        object.__setattr__(self, "url", os.fspath(self.url))
        object.__setattr__(self, "_fs", fs)
        object.__setattr__(self, "_root", root.rstrip("/"))

    @property
    def is_local(self) -> bool:
        """Whether files here can be memory-mapped."""
        return "file" in self._protocols

    @property
    def _protocols(self) -> tuple[str, ...]:
        protocol = self._fs.protocol
        return (protocol,) if isinstance(protocol, str) else tuple(protocol)

    def __truediv__(self, name: str) -> Folder:
        return Folder(f"{self.url.rstrip('/')}/{name}")

    def path(self, name: str) -> Path:
        """The local path of a file; only for local folders."""
        if not self.is_local:
            raise StoreError(f"{self.url} is not a local folder, so {name!r} has no path on disk")
        return Path(self._root) / name

    def exists(self, name: str = "") -> bool:
        return bool(self._fs.exists(self._at(name)))

    def size(self, name: str) -> int:
        """Bytes in the file."""
        return int(self._fs.size(self._at(name)))

    def names(self) -> list[str]:
        """Names directly in this folder, sorted; empty where it does not exist."""
        if not self.exists():
            return []
        return sorted(Path(p).name for p in self._fs.ls(self._root, detail=False))

    def make(self) -> None:
        self._fs.makedirs(self._root, exist_ok=True)

    def remove(self, name: str = "") -> None:
        """Remove a file or folder with all it holds; nothing happens where there is none."""
        if self.exists(name):
            self._fs.rm(self._at(name), recursive=True)

    def read_bytes(self, name: str) -> bytes:
        return bytes(self._fs.cat_file(self._at(name)))

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a temporary file, flush it to the disk, and rename it."""
        self._fs.makedirs(self._at(name).rpartition("/")[0], exist_ok=True)
        aside = f"{self._at(name)}.{uuid.uuid4().hex}.partial"
        try:
            if self.is_local:
                with open(aside, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(aside).replace(self._at(name))
            else:
                self._fs.pipe_file(aside, data)
                self._fs.mv(aside, self._at(name))
        except BaseException as error:
            if self._fs.exists(aside):
                self._fs.rm(aside)
            if isinstance(error, OSError) and error.errno in _FULL:
                raise self._no_room(name, len(data)) from error
            raise

    def write_text(self, name: str, text: str) -> None:
        self.write_bytes(name, text.encode())

    def append_text(self, name: str, text: str) -> None:
        """Add lines to a log. The one write that is not atomic: readers skip a last half line."""
        if self.is_local:
            Path(self._root).mkdir(parents=True, exist_ok=True)
            try:
                with open(self._at(name), "a", encoding="utf-8") as file:
                    file.write(text)
            except OSError as error:
                if error.errno in _FULL:
                    raise self._no_room(name, len(text.encode())) from error
                raise
        else:
            before = self.read_bytes(name).decode() if self.exists(name) else ""
            self.write_text(name, before + text)

    def read_json(self, name: str) -> Any:
        """Errors: DamagedError where the file is not JSON."""
        try:
            return json.loads(self.read_bytes(name))
        except ValueError as error:
            raise DamagedError(f"{self.url}/{name} is not valid JSON: {error}") from error

    def write_json(self, name: str, value: Any) -> None:
        self.write_text(name, json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def sha256(self, name: str) -> str:
        digest = hashlib.sha256()
        with self._fs.open(self._at(name), "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    def _no_room(self, name: str, size: int) -> StoreError:
        return StoreError(
            f"no room for {name} in {self.url}: {size:,} bytes are needed. Earlier "
            "files are unchanged; free some space and repeat the call"
        )

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root
