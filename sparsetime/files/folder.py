"""Local and remote folders: atomic writes, and reads that check what was written."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec

from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import formats
from sparsetime.files.checksum import AGAIN, check
from sparsetime.files.lines import Lines, parse_lines
from sparsetime.files.logs import append_to_log, read_log, write_log
from sparsetime.files.partial import partial_name
from sparsetime.files.unverified import note_unverified

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from torch import Tensor

# Object stores put a file whole or not at all. They have no rename: it is a copy, which doubles the
# traffic, and a removal. "memory" is fsspec's own.
_ATOMIC_PUTS = frozenset(
    {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "hf", "memory"}
)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PACKAGE = str(Path(__file__).parents[1])  # whose files its installer checks
_HIDDEN = (".lock", ".lock.json")  # of `folder_lock`
_verified: set[tuple[str, int, int]] = set()  # files, with their size and time of change


@dataclass(frozen=True)
class Folder:
    """A folder, local (`runs/x`) or remote (`s3://bucket/x`, `memory://x`).

    A file either exists whole or does not exist: a write goes to a temporary name beside the target
    and is then renamed, or is one put where the remote store has atomic ones. Files are written
    with a checksum mark, which the reads check (see `files.checksum`). `again` is what their error
    advises where a file is damaged, `newest` the newest schema version that the caller reads (None:
    the caller checks it).
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

    def path(self, name: str = "") -> Path:
        """The local path of a file; only for local folders."""
        if not self.is_local:
            raise StoreError(f"{self.url} is not a local folder, so {name!r} has no path on disk")
        return Path(self._root) / name

    def exists(self, name: str = "") -> bool:
        return bool(self._fs.exists(self._at(name)))

    def size(self, name: str) -> int:
        """Bytes in the file."""
        return int(self._fs.size(self._at(name)))

    def sizes(self) -> dict[str, int] | None:
        """Bytes of every file in and below this folder; None over HTTP, which lists none."""
        if {"http", "https"}.intersection(self._protocols):
            return None
        found = self._fs.find(self._root, detail=True)
        start = len(self._root) + 1
        return {path[start:]: int(entry["size"]) for path, entry in found.items()}

    def names(self) -> list[str]:
        """Names directly in this folder, sorted; empty where it does not exist."""
        if not self.exists():
            return []
        names = (Path(p).name for p in self._fs.ls(self._root, detail=False))
        return sorted(name for name in names if name not in _HIDDEN)

    def make(self) -> None:
        self._fs.makedirs(self._root, exist_ok=True)

    def remove(self, name: str = "") -> None:
        """Remove a file or folder with all it holds; nothing happens where there is none."""
        if self.exists(name):
            self._fs.rm(self._at(name), recursive=True)

    def read_bytes(self, name: str, start: int | None = None, stop: int | None = None) -> bytes:
        """The bytes of a file, or some of them, as they are: nothing is checked."""
        return bytes(self._fs.cat_file(self._at(name), start=start, end=stop))

    def read_spans(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Several stretches of bytes (start, stop) of a file, as they are, requested at once.

        Errors: StoreError where they cannot be read.
        """
        starts, stops = map(list, zip(*spans, strict=True))
        try:
            paths = [self._at(name)] * len(spans)
            found = self._fs.cat_ranges(paths, starts, stops, on_error="raise")
        except Exception as error:  # of whatever library speaks to the store
            raise StoreError(
                f"{self._where(name)} cannot be read: {type(error).__name__}: {error}. Check the "
                "connection and the rights, and repeat the call: it resumes"
            ) from error
        return [bytes(data) for data in found]

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a temporary file, flush it to the disk, and rename it; or put it at once."""
        if _ATOMIC_PUTS.intersection(self._protocols):
            self._fs.pipe_file(self._at(name), data)
            return
        self._fs.makedirs(self._at(name).rpartition("/")[0], exist_ok=True)
        aside = partial_name(self._at(name))
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

    def read_json(self, name: str, newest: int | None = None, again: str = AGAIN) -> Any:
        """The value of a JSON file.

        Errors: DamagedError where it is damaged or no JSON; StoreError where it is newer.
        """
        return formats.parsed(self._checked(name, newest, again), self._where(name), again)

    def write_json(
        self, name: str, value: Mapping[str, Any], version: int = 1, indent: int | None = 2
    ) -> None:
        """Write a JSON object; `version` is the schema version of its format."""
        self.write_bytes(name, formats.json_bytes(value, version, indent))

    def read_text(self, name: str, newest: int | None = None, again: str = AGAIN) -> str:
        """What `write_text` wrote. Errors: as for JSON."""
        data = self._checked(name, newest, again)
        try:
            return formats.unmarked_text(name, data.decode())
        except UnicodeDecodeError as error:
            raise DamagedError(f"{self._where(name)} is not UTF-8 text: {error}. {again}") from None

    def write_text(self, name: str, text: str, version: int = 1) -> None:
        """Write Markdown, HTML or YAML, with the mark in a comment."""
        self.write_bytes(name, formats.text_bytes(name, text, version))

    def read_lines(self, name: str, newest: int = 1) -> Lines:
        """The lines of a log, less those that are damaged; none where there is no file."""
        data = read_log(self, name)
        if data is None:
            return Lines([], "", True)
        lines = parse_lines(data, self._where(name), newest)
        if not lines.verified:
            self._call_unverified(name)
        return lines

    def write_lines(self, name: str, values: Sequence[Mapping[str, Any]], version: int = 1) -> None:
        """Write a log as a whole."""
        write_log(self, name, formats.lines_bytes(values, version))

    def append_lines(
        self, name: str, values: Sequence[Mapping[str, Any]], version: int = 1
    ) -> None:
        """Add lines to a log; to a remote one as a numbered piece in `NAME.pieces`.

        The one write that is not atomic: readers skip a cut last line.
        """
        data = formats.lines_bytes(values, version)
        try:
            append_to_log(self, name, data)
        except OSError as error:
            if error.errno in _FULL:
                raise self._no_room(name, len(data)) from error
            raise

    def read_tensors(
        self, name: str, newest: int | None = None, again: str = AGAIN, sha256: str | None = None
    ) -> dict[str, Tensor]:
        """The tensors of a safetensors file; `sha256` is what a record beside it says of it.

        Errors: as for JSON; DamagedError also where the file is another one than the record's.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        data = self._checked(name, newest, again)
        try:
            tensors = load(data)
        except SafetensorError as error:
            raise DamagedError(
                f"{self._where(name)} is not a safetensors file ({error}). {again}"
            ) from error
        if sha256 not in (None, hashlib.sha256(data).hexdigest()):
            raise DamagedError(
                f"{self._where(name)} is not the file that was saved: its checksum differs from "
                f"the one in the record beside it. {again}"
            )
        return tensors

    def write_tensors(
        self,
        name: str,
        tensors: Mapping[str, Tensor] | Mapping[str, np.ndarray],
        version: int = 1,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write a safetensors file; returns the SHA-256 of its bytes."""
        data = formats.tensor_bytes(tensors, version, metadata)
        self.write_bytes(name, data)
        return hashlib.sha256(data).hexdigest()

    def read_table(self, name: str, newest: int | None = None, again: str = AGAIN) -> pa.Table:
        """A Parquet file as a whole. Errors: as for JSON."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        data = self._checked(name, newest, again)
        try:
            with pq.ParquetFile(pa.BufferReader(data)) as file:
                return file.read()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise DamagedError(
                f"{self._where(name)} is not a Parquet file ({error}). {again}"
            ) from error

    def verified_path(self, name: str, newest: int | None = None, again: str = AGAIN) -> Path:
        """The path of a local file to be mapped, whose mark is checked once a process."""
        path = self.path(name)
        stat = path.stat()
        key = (str(path), stat.st_size, stat.st_mtime_ns)
        if key not in _verified and stat.st_size:
            with open(path, "rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
                if check(data, self._where(name), newest, again) is None:
                    self._call_unverified(name)
            _verified.add(key)
        return path

    def sha256(self, name: str) -> str:
        digest = hashlib.sha256()
        with self._fs.open(self._at(name), "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    def _checked(self, name: str, newest: int | None, again: str) -> bytes:
        try:
            data = self.read_bytes(name)
        except FileNotFoundError:
            raise DamagedError(f"{self._where(name)} is missing. {again}") from None
        if check(data, self._where(name), newest, again) is None:
            self._call_unverified(name)
        return data

    def _call_unverified(self, name: str) -> None:
        if not self._root.startswith(_PACKAGE):
            note_unverified(self.url, name)

    def _no_room(self, name: str, size: int) -> StoreError:
        return StoreError(
            f"no room for {name} in {self.url}: {size:,} bytes are needed. Earlier "
            "files are unchanged; free some space and repeat the call"
        )

    def _where(self, name: str) -> str:
        return f"{self.url}/{name}"

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root
