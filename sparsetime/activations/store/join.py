"""Join: several stores as one, without moving a byte of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from sparsetime.activations.store.joined_manifest import (
    PARTS,
    StorePart,
    check_alike,
    part_of,
    parts_in,
    write_joined,
)
from sparsetime.activations.store.manifest import MANIFEST, PART, load_manifest
from sparsetime.activations.store.open_store import open_store
from sparsetime.activations.store.store import Store
from sparsetime.errors import ConfigError, StoreError
from sparsetime.files import Folder, locks


@locks("out")
def join(parts: Iterable[str | Path | Store], out: str | Path, *, force: bool = False) -> Store:
    """Write a manifest of finished stores into `out` and open them as one store.

    parts: folders, URLs or stores, of one site of one model. Their activations stay where they are:
    the manifest holds their paths (relative ones where they are near, so that a folder with its
    parts can be moved), the SHA-256 of the manifest of each, and its first sequence and row.

    The parts of one capture (`part=`) may come in any order. Their sequences stand in the order of
    the documents, as in a capture by one process, so that splits and samples are the same. Other
    stores stand one after another.

    Errors: StoreError where a part is missing or unfinished, or `out` holds something else and
    `force` is not given; MismatchError where the stores are not alike, or parts are missing.
    """
    paths = [one.path if isinstance(one, Store) else os.fspath(one) for one in parts]
    if not paths:
        raise ConfigError("got no stores, expected at least one to join")
    joined = Folder(os.fspath(out))
    folders = [Folder(path) for path in paths]
    manifests = [load_manifest(folder) for folder in folders]
    check_alike(folders, manifests)
    if all(manifest.capture.get(PART) for manifest in manifests):
        number = {id(f): m.capture[PART][0] for f, m in zip(folders, manifests, strict=True)}
        folders.sort(key=lambda folder: number[id(folder)])
    entries: list[StorePart] = []
    for folder in folders:
        entries.append(part_of(folder, joined, entries[-1] if entries else None))
    if joined.exists(MANIFEST) and not force and parts_in(joined) != entries:
        raise StoreError(
            f"{joined.url} holds another store. Choose another folder, or replace its manifest "
            "with force=True"
        )
    if parts_in(joined) != entries:
        write_joined(joined, entries)
    return open_store(joined.url)


def join_finished(paths: Iterable[str], part: Sequence[int], out: str) -> list[Store]:
    """Join the parts of a capture where this was the last to finish; nothing where others run.

    paths: this part's stores, one a site. part: its number, and how many there are. Two processes
    that finish at once write the same bytes.
    """
    number, count = part
    joined = []
    for path in paths:
        site = path.removeprefix(f"{out.rstrip('/')}/{PARTS}/{number}").strip("/")
        root = f"{out.rstrip('/')}/{PARTS}"
        others = [f"{root}/{other}/{site}".rstrip("/") for other in range(count)]
        if all(_is_finished(Folder(other)) for other in others):
            joined.append(join(others, f"{out.rstrip('/')}/{site}".rstrip("/"), force=True))
    return joined


def _is_finished(folder: Folder) -> bool:
    return folder.exists(MANIFEST) and load_manifest(folder).complete
