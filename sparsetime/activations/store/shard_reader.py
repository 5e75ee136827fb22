"""Shard reader: rows of a store, mapped or fetched by ranges, with checksums verified first."""

from __future__ import annotations

import errno
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from sparsetime.activations.store.input_files import SlicedArray, open_input
from sparsetime.activations.store.manifest import (
    ACTIVATIONS_FILE,
    BEGUN_FILE,
    BLOCKS_FILE,
    INPUTS_FILE,
    SEQUENCES,
    STEPS_FILE,
    STORED,
    TENSOR,
    FileRecord,
    Manifest,
    ShardRecord,
    check_size,
)
from sparsetime.activations.store.pick_rows import pick
from sparsetime.activations.store.remote_shard import RemoteShard
from sparsetime.activations.store.sequence_table import begun_sequences, read_parquet
from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder
from sparsetime.files.block_cache import BlockCache

# Files verified in this process, with their size and modification time then.
_checked: set[tuple[str, str, int, int]] = set()


class ShardReader:
    """Reads rows of a store by their number.

    A local shard is memory-mapped, so that only the requested rows are read from disk; its sha256
    is compared with the manifest's before its first read. Of a remote one the blocks that hold the
    requested rows are fetched, compared with their CRC-32 and kept in `cache`; `prefetch` begins
    that ahead. Tables, and shards of 0.1.0, which have no checksums of blocks, are downloaded once
    a process to a temporary folder.

    Errors: DamagedError naming the file, where it is truncated, changed or no safetensors file.
    """

    in_memory = False

    def __init__(self, folder: Folder, manifest: Manifest, cache: BlockCache | None = None) -> None:
        self._manifest, self._cache = manifest, cache
        self._by_ranges: dict[str, RemoteShard] = {}
        self.d = manifest.d
        self.dtype: torch.dtype = getattr(torch, manifest.dtype)
        self._remote = folder
        self._downloads: Folder | None = None
        self._lock = threading.Lock()
        self._last_tensor: tuple[str, Tensor] | None = None
        self._last_stored: tuple[str, NDArray[np.bool_]] | None = None
        self._last_steps: tuple[tuple[str, tuple[str, ...] | None], pa.Table] | None = None
        self._shards = manifest.shards
        self._leaves_out = manifest.left_out > 0
        self._table = manifest.sequence_table
        self._ends = np.cumsum([shard.rows for shard in manifest.shards], dtype=np.int64)

    def __reduce__(self) -> tuple[Any, ...]:
        """A reader in another process opens its own files and connections."""
        return ShardReader, (self._remote, self._manifest, self._cache)

    def pieces(self, rows: NDArray[np.int64]) -> Iterator[Float[Tensor, "some d"]]:
        """The rows of the given numbers (ascending), in order, a tensor per shard that holds some.

        Contiguous rows are a read-only view of the mapped file. Rows that the capture left out are
        NaN, so that no mean or loss takes them for activations.
        """
        for shard, at in self._by_shard(rows):
            yield self._rows_of(shard, at)

    def stored_steps(self, rows: NDArray[np.int64]) -> Bool[np.ndarray, " rows"] | None:
        """Which of the given rows (ascending) have a stored activation; None where all have."""
        if not self._leaves_out:
            return None
        masks = [np.zeros(0, dtype=bool)]
        for shard, at in self._by_shard(rows):
            stored = self._stored_of(shard)
            assert stored is not None, "a store that leaves steps out says which, in every shard"
            masks.append(stored[at])
        return np.concatenate(masks)

    def steps(self, rows: NDArray[np.int64], columns: list[str] | None) -> pa.Table:
        """The step columns of the given rows (ascending); all columns where None are named."""
        tables: list[pa.Table] = []
        for shard, end in zip(self._shards, self._ends.tolist(), strict=True):
            begin = end - shard.rows
            low, high = np.searchsorted(rows, [begin, end])
            if low < high:
                table = self._steps_of(shard, columns)
                local = rows[low:high] - begin
                contiguous = local[-1] - local[0] + 1 == len(local)
                part = (
                    table.slice(local[0], len(local)) if contiguous else table.take(pa.array(local))
                )
                tables.append(part)
        if not tables:
            return self._steps_of(self._shards[0], columns).slice(0, 0)
        return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()

    def open_input(self, sequence: int, reference: Mapping[str, Any]) -> SlicedArray:
        """The input that a sequence refers to, checked; segments of it are read on demand."""
        ends = np.cumsum([shard.begun for shard in self._shards])
        shard = self._shards[int(np.searchsorted(ends, sequence, side="right"))]
        name, record = shard.path(INPUTS_FILE), shard.files.get(INPUTS_FILE)
        kept = None if record is None else self._checked_folder(name, record).path(name)
        return open_input(reference, self._remote.url, kept)

    def step_columns(self) -> list[str]:
        """Names of the step columns."""
        names: list[str] = self._steps_of(self._shards[0], None).column_names
        return names

    def begun_table(self) -> pa.Table:
        """The sequences that an unfinished store's shards began; the last may be cut."""
        begun = [
            self.table(shard.path(BEGUN_FILE), shard.files[BEGUN_FILE]) for shard in self._shards
        ]
        return begun_sequences(begun, sum(shard.rows for shard in self._shards))

    def table(self, name: str = SEQUENCES, record: FileRecord | None = None) -> pa.Table:
        """A table of sequences, checked."""
        record = record or self._table
        if record is None:
            raise StoreError(f"{self._remote.url} has no {SEQUENCES} yet: it is unfinished")
        return read_parquet(self._checked_folder(name, record), name)

    def verify(self) -> None:
        """Compare the sha256 of every file with the manifest's, whether read before or not."""
        files = [(s.path(kind), record) for s in self._shards for kind, record in s.files.items()]
        if self._table is not None:
            files.append((SEQUENCES, self._table))
        for name, record in files:
            check_size(self._remote, name, record)
            self._compare(self._remote, name, record)

    def _steps_of(self, shard: ShardRecord, columns: list[str] | None) -> pa.Table:
        key = (shard.name, tuple(columns) if columns is not None else None)
        last = self._last_steps  # consecutive sequences mostly share a shard
        if last is not None and last[0] == key:
            return last[1]
        name, record = shard.path(STEPS_FILE), shard.files[STEPS_FILE]
        table = read_parquet(self._checked_folder(name, record), name, columns)
        self._last_steps = (key, table)
        return table

    def _rows_of(self, shard: ShardRecord, at: NDArray[np.int64]) -> Float[Tensor, "some d"]:
        """Rows `at` (ascending) of a shard; NaN where the capture left them out."""
        places, kept = self._places(shard, at)
        if kept is None or len(places) == len(at):
            return self._picked(shard, places)
        rows = torch.full((len(at), self.d), torch.nan, dtype=self.dtype)
        if len(places):
            rows[torch.from_numpy(kept)] = self._picked(shard, places)
        return rows

    def prefetch(self, rows: NDArray[np.int64]) -> None:
        """Begin to fetch the given rows (ascending) of a remote store; nothing for a local one."""
        if self._remote.is_local:
            return
        for shard, at in self._by_shard(rows):
            remote = self._ranges_of(shard)
            if remote is not None:
                remote.prefetch(self._places(shard, at)[0])

    def _by_shard(self, rows: NDArray[np.int64]) -> Iterator[tuple[ShardRecord, NDArray[np.int64]]]:
        """Every shard that holds some of the rows (ascending), with their numbers in it."""
        if len(rows) == 0:
            return
        first, last = np.searchsorted(self._ends, rows[[0, -1]], side="right")
        for number in range(first, last + 1):
            shard = self._shards[number]
            begin = int(self._ends[number]) - shard.rows
            low, high = np.searchsorted(rows, [begin, begin + shard.rows])
            if low < high:
                yield shard, rows[low:high] - begin

    def _places(
        self, shard: ShardRecord, at: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], Bool[np.ndarray, " rows"] | None]:
        """Places in the file of those of the rows that are stored, and which are; None for all."""
        stored = self._stored_of(shard)
        if stored is None:
            return at, None
        kept = stored[at]
        return np.cumsum(stored)[at[kept]] - 1, kept

    def _picked(self, shard: ShardRecord, places: NDArray[np.int64]) -> Float[Tensor, "some d"]:
        remote = self._ranges_of(shard)
        return pick(self._tensor(shard), places) if remote is None else remote.rows(places)

    def _ranges_of(self, shard: ShardRecord) -> RemoteShard | None:
        """The shard as it is read by ranges; None where it is local, or of 0.1.0."""
        if self._remote.is_local or BLOCKS_FILE not in shard.files:
            return None
        if shard.name not in self._by_ranges:
            stored = self._stored_of(shard)
            rows = shard.rows if stored is None else int(stored.sum())
            self._by_ranges[shard.name] = RemoteShard(
                self._remote, shard, (rows, self.d), self.dtype, self._cache
            )
        return self._by_ranges[shard.name]

    def _stored_of(self, shard: ShardRecord) -> Bool[np.ndarray, " rows"] | None:
        if not self._leaves_out:
            return None
        last = self._last_stored  # its own: rows and step columns are read by turns
        if last is None or last[0] != shard.name:
            name, record = shard.path(STEPS_FILE), shard.files[STEPS_FILE]
            table = read_parquet(self._checked_folder(name, record), name, [STORED])
            self._last_stored = last = (shard.name, np.asarray(table[STORED].to_numpy()))
        return last[1]

    def _tensor(self, shard: ShardRecord) -> Float[Tensor, "rows d"]:
        last = self._last_tensor
        if last is not None and last[0] == shard.name:
            return last[1]
        name = shard.path(ACTIVATIONS_FILE)
        folder = self._checked_folder(name, shard.files[ACTIVATIONS_FILE])
        try:
            # A mapping lives as long as its tensor. Only the last one is kept, so that pages of
            # other shards do not count as memory of this process.
            with safe_open(folder.path(name), framework="pt") as file:
                tensor: Tensor = file.get_tensor(TENSOR)
        except SafetensorError as error:
            raise DamagedError(
                f"{self._remote.url}/{name} is not a safetensors file with a tensor "
                f"{TENSOR!r}: {error}"
            ) from error
        stored = self._stored_of(shard)
        shape = [shard.rows if stored is None else int(stored.sum()), self.d]
        if list(tensor.shape) != shape or tensor.dtype != self.dtype:
            raise DamagedError(
                f"{self._remote.url}/{name} holds {tensor.dtype} {list(tensor.shape)}; the "
                f"manifest says {self.dtype} {shape}"
            )
        self._last_tensor = (shard.name, tensor)
        return tensor

    def _checked_folder(self, name: str, record: FileRecord) -> Folder:
        """The local folder that holds the file, checked."""
        folder = self._remote if self._remote.is_local else self._downloaded(name, record)
        try:
            stat = folder.path(name).stat()
        except FileNotFoundError:
            check_size(folder, name, record)
            raise
        key = (str(folder.path(name)), record.sha256, stat.st_size, stat.st_mtime_ns)
        if key not in _checked:
            check_size(folder, name, record)
            self._compare(folder, name, record)
            _checked.add(key)
        return folder

    def _compare(self, folder: Folder, name: str, record: FileRecord) -> None:
        if folder.sha256(name) != record.sha256:
            raise DamagedError(
                f"{self._remote.url}/{name} is damaged: its bytes are not the bytes that were "
                "written (sha256 differs). Copy the store again, or capture it again with "
                "force=True"
            )

    def _downloaded(self, name: str, record: FileRecord) -> Folder:
        with self._lock:
            if self._downloads is None:
                path = tempfile.mkdtemp(prefix="sparsetime-")
                weakref.finalize(self, shutil.rmtree, path, ignore_errors=True)
                self._downloads = Folder(path)
            local = self._downloads
            if not local.exists(name):
                check_size(self._remote, name, record)
                try:
                    local.write_bytes(name, self._remote.read_bytes(name))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    raise StoreError(
                        f"the disk is full: {name} of {self._remote.url} needs {record.bytes:,} "
                        f"bytes in {local.url}"
                    ) from error
            return local
