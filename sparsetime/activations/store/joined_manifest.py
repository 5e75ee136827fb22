"""Manifest of a joined store: which stores it consists of, in which order, with their hashes."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import reduce
from operator import add
from typing import Any, final

from sparsetime.activations.store.manifest import (
    MANIFEST,
    PART,
    SCHEMA_VERSION,
    Manifest,
    load_manifest,
)
from sparsetime.errors import DamagedError, MismatchError, StoreError
from sparsetime.files import Folder
from sparsetime.models.model_hash import same_model

PARTS = "parts"  # key of a joined store's manifest, and the folder of the parts of a capture
_IN_COMMON = ("site", "d", "dtype", "unit")


@final
@dataclass(frozen=True)
class StorePart:
    """One store of a joined store.

    path: relative to the joined store, or a URL. sha256: of its manifest, which holds the checksums
    of all of its files. first_sequence, first_row: how many sequences and rows the parts before it
    hold.
    """

    path: str
    sha256: str
    sequences: int
    rows: int
    first_sequence: int
    first_row: int

    def folder(self, joined: Folder) -> Folder:
        """The folder of the part, from that of the joined store."""
        if "://" in self.path or self.path.startswith("/"):
            return Folder(self.path)
        head, mark, root = joined.url.rpartition("://")
        return Folder(f"{head}{mark}{posixpath.normpath(f'{root}/{self.path}')}")


def part_of(folder: Folder, joined: Folder, before: StorePart | None) -> StorePart:
    """The entry of a finished store. Errors: StoreError where it is unfinished."""
    manifest = load_manifest(folder)
    if not manifest.complete:
        raise StoreError(
            f"{folder.url} is unfinished: {manifest.rows:,} rows are there. Capture it to its end, "
            "then join"
        )
    return StorePart(
        _relative(folder.url, joined.url),
        hashlib.sha256(folder.read_bytes(MANIFEST)).hexdigest(),
        manifest.sequences,
        manifest.rows,
        0 if before is None else before.first_sequence + before.sequences,
        0 if before is None else before.first_row + before.rows,
    )


def write_joined(joined: Folder, parts: Sequence[StorePart]) -> None:
    """Write the manifest of a joined store; the same parts give the same bytes."""
    value = {"schema_version": SCHEMA_VERSION, PARTS: [asdict(part) for part in parts]}
    joined.write_json(MANIFEST, value, SCHEMA_VERSION)


def parts_in(joined: Folder) -> list[StorePart] | None:
    """The parts that a folder's manifest lists; None where it is that of a store of its own.

    Errors: DamagedError where the list cannot be read.
    """
    if not joined.exists(MANIFEST):
        return None
    value = joined.read_json(MANIFEST, SCHEMA_VERSION)
    if not isinstance(value, Mapping) or PARTS not in value:
        return None
    try:
        return [StorePart(**part) for part in value[PARTS]]
    except TypeError as error:
        raise DamagedError(
            f"{joined.url}/{MANIFEST} is damaged: it is JSON but lists no parts ({error}). Join "
            "them again"
        ) from error


def manifests_of(joined: Folder, parts: Sequence[StorePart]) -> list[Manifest]:
    """The manifest of every part. Errors: StoreError for one that changed since it was joined."""
    manifests = []
    for part in parts:
        folder = part.folder(joined)
        if not folder.exists(MANIFEST):
            raise DamagedError(
                f"{folder.url} is missing, and {joined.url} consists of it. Restore it from a "
                "copy, or join the parts where they are now"
            )
        if hashlib.sha256(folder.read_bytes(MANIFEST)).hexdigest() != part.sha256:
            raise StoreError(
                f"{folder.url} was written again since it was joined into {joined.url}: its "
                "manifest has another checksum. Join the parts again"
            )
        manifests.append(load_manifest(folder))
    return manifests


def check_alike(folders: Sequence[Folder], manifests: Sequence[Manifest]) -> None:
    """Errors: MismatchError where stores are of other models, sites, dtypes or settings, or where
    parts of one capture are missing or come twice.
    """
    first = manifests[0]
    for folder, other in zip(folders[1:], manifests[1:], strict=True):
        mine, theirs = _settings(first), _settings(other)
        differing = [
            f"{name} is {mine.get(name)!r} in {folders[0].url} and {theirs.get(name)!r} in "
            f"{folder.url}"
            for name in sorted(mine.keys() | theirs.keys())
            if mine.get(name) != theirs.get(name)
        ]
        if not same_model(first.model_hash, other.model_hash):
            differing.append(
                f"{folders[0].url} is of the model {first.model_name} with hash "
                f"{first.model_hash}, {folder.url} of {other.model_name} with {other.model_hash}"
            )
        if differing:
            raise MismatchError(
                f"got stores that are not alike: {'; '.join(differing)}. Join stores of one site "
                "of one model, captured with the same settings"
            )
    numbers = [manifest.capture.get(PART) for manifest in manifests]
    if any(numbers):
        count = next(number[1] for number in numbers if number)
        if sorted(number[0] for number in numbers if number) != list(range(count)):
            shown = ", ".join("none" if n is None else str(n[0]) for n in numbers)
            raise MismatchError(
                f"got the parts {shown} of a capture in {count} parts, expected each of 0 to "
                f"{count - 1} once; capture the missing ones first"
            )


def as_one(manifests: Sequence[Manifest]) -> Manifest:
    """The manifest of one store that holds what the parts hold."""
    capture = {name: v for name, v in manifests[0].capture.items() if name != PART}
    return replace(
        manifests[0],
        capture=capture,
        complete=True,
        rows=sum(manifest.rows for manifest in manifests),
        sequences=sum(manifest.sequences for manifest in manifests),
        sequence_table=None,
        shards=reduce(add, (manifest.shards for manifest in manifests)),
        left_out=sum(manifest.left_out for manifest in manifests),
        schema_version=SCHEMA_VERSION,
    )


def _settings(manifest: Manifest) -> dict[str, Any]:
    """The settings in which the parts of a joined store agree; a limit of norms is one."""
    capture = {f"capture.{name}": v for name, v in manifest.capture.items()}
    part = capture.pop(f"capture.{PART}", None)
    own = {name: getattr(manifest, name) for name in _IN_COMMON}
    limit = manifest.exclusion.norm_limit
    return own | capture | {"number of parts": part and part[1], "norm limit": limit}


def _relative(path: str, joined: str) -> str:
    """The path from the joined store to a part, where both are in one place; else as it is."""
    (scheme, _, one), (other, _, root) = (url.rpartition("://") for url in (path, joined))
    if scheme != other or one.startswith("/") != root.startswith("/"):
        return path
    if scheme and one.partition("/")[0] != root.partition("/")[0]:
        return path
    return posixpath.relpath(one, root)
