"""Opening an activation store, from a local folder or a URL."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sparsetime.activations.annotations.stored_annotations import StoredEvents, with_labels
from sparsetime.activations.sampling.buffer_bytes import parse_bytes
from sparsetime.activations.store.joined_manifest import (
    StorePart,
    as_one,
    check_alike,
    manifests_of,
    parts_in,
)
from sparsetime.activations.store.manifest import check_presence, load_manifest
from sparsetime.activations.store.parts_reader import PartsReader, joined_table, order_of_parts
from sparsetime.activations.store.shard_reader import ShardReader
from sparsetime.activations.store.store import Store
from sparsetime.errors import DamagedError
from sparsetime.files import Folder
from sparsetime.files.block_cache import SIZE, BlockCache


def open_store(
    path: str | Path, *, cache: str | Path | None = None, cache_size: str | int = SIZE
) -> Store:
    """Open an activation store: a local folder or an fsspec URL.

    Presence and size of every file are checked now, checksums when a file is first read. A store
    of an interrupted capture opens with its finished shards; its last sequence may then be shorter
    than the document. Stores that were joined (`st.join`) open as one.

    Of a remote store the blocks are fetched that hold the rows asked for, and kept on disk in the
    folder `cache` (None: `~/.cache/sparsetime/blocks`), of which those used longest ago are removed
    at `cache_size` ("20GB").

    Errors: StoreError where there is no store or a newer sparsetime wrote it; DamagedError naming
    the file that is missing, truncated or changed.
    """
    folder = Folder(str(path))
    blocks = BlockCache(cache, parse_bytes(cache_size))
    parts = parts_in(folder)
    if parts is not None:
        return _joined(folder, parts, blocks)
    manifest = load_manifest(folder)
    check_presence(folder, manifest)
    reader = ShardReader(folder, manifest, _cache_of(folder, blocks))
    table = reader.table() if manifest.complete else reader.begun_table()
    if table.num_rows != manifest.sequences or sum(table["length"].to_pylist()) != manifest.rows:
        raise DamagedError(
            f"{folder.url} is at odds with itself: its manifest counts {manifest.sequences:,} "
            f"sequences and {manifest.rows:,} rows, its sequence table others. "
            "Capture it again with force=True"
        )
    table = with_labels(folder, table)
    events = StoredEvents(folder, table.num_rows)
    return Store(folder, manifest, reader, table, np.arange(table.num_rows), events=events)


def _joined(folder: Folder, parts: list[StorePart], blocks: BlockCache) -> Store:
    manifests = manifests_of(folder, parts)
    folders = [part.folder(folder) for part in parts]
    check_alike(folders, manifests)
    for one, manifest in zip(folders, manifests, strict=True):
        check_presence(one, manifest)
    readers = [
        ShardReader(one, m, _cache_of(one, blocks))
        for one, m in zip(folders, manifests, strict=True)
    ]
    tables = [with_labels(one, r.table()) for one, r in zip(folders, readers, strict=True)]
    part_of_sequence = order_of_parts(tables)
    reader = PartsReader(readers, tables, part_of_sequence)
    table = joined_table(tables, part_of_sequence)
    table = with_labels(folder, table)
    in_whole = [np.flatnonzero(part_of_sequence == number) for number in range(len(folders))]
    own = [StoredEvents(one, len(numbers)) for one, numbers in zip(folders, in_whole, strict=True)]
    events = StoredEvents(folder, table.num_rows, tuple(zip(own, in_whole, strict=True)))
    places = np.arange(table.num_rows)
    return Store(folder, as_one(manifests), reader, table, places, events=events)


def _cache_of(folder: Folder, blocks: BlockCache) -> BlockCache | None:
    """No cache for a store that is in this process's memory."""
    return None if folder.url.startswith("memory:") else blocks
