"""StoreWriter: appends shards to an activation store; a crash loses at most one shard."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.activations.annotations.stored_annotations import EVENTS, LABELS
from sparsetime.activations.store.check_shard import check_shard
from sparsetime.activations.store.manifest import (
    ACTIVATIONS_FILE,
    BEGUN_FILE,
    BLOCKS_FILE,
    DTYPES,
    EXCLUSION,
    INPUTS_FILE,
    MANIFEST,
    PLAIN,
    SEQUENCES,
    SHARDS,
    STEPS_FILE,
    STORED,
    TENSOR,
    Manifest,
    ShardRecord,
    check_presence,
    file_record,
    load_manifest,
    version_of,
)
from sparsetime.activations.store.sequence_table import parquet_bytes, sequence_table
from sparsetime.activations.store.shard_reader import ShardReader
from sparsetime.errors import ConfigError, DataError, StoreError
from sparsetime.files import Folder
from sparsetime.files.blocks import block_record
from sparsetime.files.formats import json_bytes, tensor_bytes
from sparsetime.files.other_files import check_no_other_files
from sparsetime.files.partial import remove_leftovers
from sparsetime.models.model_hash import same_model

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store

_FULL = (errno.ENOSPC, errno.EDQUOT)


class StoreWriter:
    """Writes an activation store shard by shard.

    A shard counts once the manifest lists it, and the manifest is replaced last and atomically. A
    writer opened on an unfinished store of the same settings resumes after its last shard:
    `shards_done` shards with `rows_done` rows are finished. `force` deletes the store that `out`
    holds, and keeps files that are no part of a store. Nothing is written or deleted before the
    first `append`; where that fails, nothing new is left.

    Errors: StoreError where `out` holds anything else, or a store of other settings (which
    it names); DamagedError where a finished shard is missing or truncated.
    """

    def __init__(
        self,
        out: str | Path,
        *,
        model_name: str,
        model_hash: str,
        site: str,
        d: int,
        dtype: str,
        unit: str,
        capture: dict[str, Any],
        force: bool = False,
    ) -> None:
        if dtype not in DTYPES:
            raise ConfigError(f"got dtype={dtype!r}, expected one of {', '.join(DTYPES)}")
        self._folder = Folder(str(out))
        settings = json.loads(json.dumps(capture))
        self._manifest = Manifest(
            model_name,
            model_hash,
            site,
            d,
            dtype,
            unit,
            settings,
            schema_version=version_of(settings),
        )
        self._position = 0  # of the next row, within the sequence that the last shard left open
        self._resumes = not force and self._folder.exists(MANIFEST)
        self._begun = False
        if self._resumes:
            self._resume()
        elif not force:
            check_no_other_files(self._folder, "activation store")

    @property
    def manifest(self) -> Manifest:
        """The manifest of the finished shards."""
        return self._manifest

    @property
    def shards_done(self) -> int:
        return len(self._manifest.shards)

    @property
    def rows_done(self) -> int:
        return self._manifest.rows

    def append(
        self,
        activations: Float[Tensor, "rows d"],
        steps: pa.Table,
        sequences: pa.Table,
        stored: Bool[np.ndarray, " rows"] | None = None,
        norm_limit: float | None = None,
        inputs: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Write one shard.

        activations: [rows, d] in the store's dtype, finite. steps: a row per activation, with the
        int32 columns `sequence` (number within the store) and `position` (0, 1, … within the
        sequence), then any others. sequences: those that begin in this shard, with their whole
        `length`; columns of SEQUENCE_SCHEMA, where only `id` and `length` must be given. stored:
        the rows whose activations are written, of a store whose `capture` names an exclusion; None:
        all. norm_limit: the longest norm that is stored, where it was measured on this shard.
        inputs: of the sequences that begin in this shard, by the name in their column `input`.

        Errors: MismatchError where the three do not fit together or do not continue the store;
        StoreError where the disk is full (nothing of the shard is then left behind).
        """
        if self._manifest.complete:
            raise StoreError(f"{self._folder.url} is a finished store; nothing can be appended")
        begun = sequence_table(sequences, self._manifest.planned_rows)
        check_shard(self._manifest, self._position, activations, steps, begun)
        name, version = f"{self.shards_done:06d}", self._manifest.schema_version
        written = activations.detach().cpu()
        left_out = 0
        if EXCLUSION in self._manifest.capture:
            stored = np.ones(len(written), dtype=bool) if stored is None else stored
            left_out = len(stored) - int(stored.sum())
            written = written[torch.from_numpy(stored)]
            steps = steps.append_column(STORED, pa.array(stored))
        contents = {
            ACTIVATIONS_FILE: tensor_bytes({TENSOR: written}, version),
            STEPS_FILE: parquet_bytes(steps, version),
            BEGUN_FILE: parquet_bytes(begun, version),
        }
        if inputs:
            contents[INPUTS_FILE] = tensor_bytes(inputs, version)
        contents[BLOCKS_FILE] = json_bytes(block_record(contents[ACTIVATIONS_FILE]), PLAIN, None)
        shard = ShardRecord(
            name,
            activations.shape[0],
            begun.num_rows,
            int(np.sum(begun["length"].to_numpy())),
            {kind: file_record(data) for kind, data in contents.items()},
        )
        manifest = replace(
            self._manifest.with_shard(shard),
            left_out=self._manifest.left_out + left_out,
            norm_limit=norm_limit or self._manifest.norm_limit,
        )
        needed = sum(map(len, contents.values()))
        try:
            self._begin()
            for kind, data in contents.items():
                self._write(shard.path(kind), data, needed, f"shard {name}")
            self._write_manifest(manifest)
        except BaseException:
            for kind in contents:
                self._folder.remove(shard.path(kind))
            if not (self._resumes or self.shards_done):
                self._leave_nothing()
            raise
        self._manifest = manifest
        self._position = int(steps["position"][-1].as_py()) + 1

    def finish(self) -> Store:
        """Write the whole sequence table, mark the store complete, and open it.

        Errors: DataError where nothing was appended or the last sequence lacks rows.
        """
        from sparsetime.activations.store.open_store import open_store

        manifest = self._manifest
        if not manifest.complete:
            if manifest.rows == 0:
                raise DataError(
                    f"no activations were captured for {self._folder.url}: the data is empty"
                )
            if manifest.rows == manifest.left_out:
                raise DataError(
                    f"no step is left of {manifest.rows:,} with {manifest.exclusion}; leave out "
                    "fewer steps"
                )
            if manifest.rows != manifest.planned_rows:
                raise DataError(
                    f"{self._folder.url} cannot be finished: its sequences have "
                    f"{manifest.planned_rows:,} rows in all, {manifest.rows:,} were appended"
                )
            self._begin()
            reader = ShardReader(self._folder, manifest)
            tables = [
                reader.table(shard.path(BEGUN_FILE), shard.files[BEGUN_FILE])
                for shard in manifest.shards
            ]
            data = parquet_bytes(pa.concat_tables(tables), manifest.schema_version)
            self._write(SEQUENCES, data, len(data), "the sequence table")
            manifest = replace(manifest, complete=True, sequence_table=file_record(data))
            self._write_manifest(manifest)
            self._manifest = manifest
        return open_store(self._folder.url)

    def _resume(self) -> None:
        stored, settings = load_manifest(self._folder), self._manifest.settings
        differing = [
            f"{name} is {stored.settings.get(name)!r} there and {settings.get(name)!r} here"
            for name in sorted(settings.keys() | stored.settings.keys())
            if stored.settings.get(name) != settings.get(name)
            and not (name == "model_hash" and same_model(stored.model_hash, settings[name]))
        ]
        if differing:
            raise StoreError(
                f"{self._folder.url} holds another capture: {'; '.join(differing)}. "
                "Choose another folder, or replace it with force=True"
            )
        check_presence(self._folder, stored)
        self._manifest = stored
        if stored.shards:
            shard = stored.shards[-1]
            reader = ShardReader(self._folder, stored)
            last = reader.table(shard.path(STEPS_FILE), shard.files[STEPS_FILE])
            self._position = int(last["position"][-1].as_py()) + 1

    def _begin(self) -> None:
        """Delete the remains of an interruption or, with `force`, of another store."""
        if self._begun:
            return
        if not self._resumes:
            for name in (MANIFEST, SEQUENCES, SHARDS, EVENTS, LABELS):
                self._folder.remove(name)
        listed = {s.path(kind) for s in self._manifest.shards for kind in s.files}
        for name in (self._folder / SHARDS).names():
            if f"{SHARDS}/{name}" not in listed:  # a shard that was being written
                self._folder.remove(f"{SHARDS}/{name}")
        if self._folder.is_local:
            remove_leftovers(self._folder.path())
        if not self._resumes:
            self._write_manifest(self._manifest)
        self._begun = True

    def _leave_nothing(self) -> None:
        self._begun = False
        for name in (MANIFEST, SHARDS):
            self._folder.remove(name)
        if not self._folder.names():
            self._folder.remove()

    def _write_manifest(self, manifest: Manifest) -> None:
        with self._disk_full_explained("the manifest", 4096):
            manifest.save(self._folder)

    def _write(self, name: str, data: bytes, needed: int, what: str) -> None:
        with self._disk_full_explained(what, needed):
            self._folder.write_bytes(name, data)

    @contextmanager
    def _disk_full_explained(self, what: str, needed: int) -> Iterator[None]:
        try:
            yield
        except (OSError, StoreError) as error:
            cause = error.__cause__ if isinstance(error, StoreError) else error
            if getattr(cause, "errno", None) not in _FULL:
                raise
            raise StoreError(
                f"the disk is full: {what} needs {needed:,} bytes in {self._folder.url}. Free "
                "some space and capture again: it resumes after the "
                f"{self.shards_done} finished shards"
            ) from error
