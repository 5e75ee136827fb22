"""Check of a whole folder: the marks of all files, and the checksums that a list names."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from sparsetime.errors import DamagedError, SparsetimeError, StoreError
from sparsetime.files.checksum import check
from sparsetime.files.folder import Folder
from sparsetime.files.folder_lock import HOLDER, LOCK
from sparsetime.files.formats import parsed
from sparsetime.files.lines import parse_lines
from sparsetime.files.partial import SUFFIX

CHECKSUMS = "checksums.json"  # lists the checksums of files that hold none
_ANY = 1 << 30  # newer than every schema version: versions are the readers' concern


@final
@dataclass
class CheckedFolder:
    """What a check of a folder found.

    files: how many were checked. damaged: a sentence for each damaged file. unverified: files
    without a checksum. unfinished: temporary files that a killed process left.
    """

    files: int = 0
    damaged: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)


def check_folder(folder: Folder) -> CheckedFolder:
    """Read every file of a local folder, and of those in it, and check its checksum.

    Errors: StoreError where there is no such folder.
    """
    root = folder.path()
    if not root.is_dir():
        raise StoreError(f"{folder.url} is not a folder, so it has no files to check")
    found = CheckedFolder()
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    listed = _listed(paths, found)
    for path in paths:
        if path.name in (LOCK, HOLDER):
            continue
        name = path.relative_to(root).as_posix()
        if path.name.endswith(SUFFIX):
            found.unfinished.append(name)
            continue
        found.files += 1
        try:
            if not _is_verified(path, f"{folder.url}/{name}", listed.get(path)):
                found.unverified.append(name)
        except SparsetimeError as error:
            found.damaged.append(str(error))
    for path in sorted(listed.keys() - set(paths)):
        found.damaged.append(f"{path} is missing, and {CHECKSUMS} lists it")
    return found


def _listed(paths: list[Path], found: CheckedFolder) -> dict[Path, str]:
    """The checksums that lists in the folder name, by file."""
    listed: dict[Path, str] = {}
    for path in paths:
        if path.name == CHECKSUMS:
            try:
                files = Folder(str(path.parent)).read_json(CHECKSUMS)["files"]
                listed |= {path.parent / name: str(crc) for name, crc in files.items()}
            except (SparsetimeError, KeyError, TypeError, AttributeError):
                continue  # the check of the list itself says what is wrong
    return listed


def _is_verified(path: Path, where: str, listed: str | None) -> bool:
    """Whether a file has a checksum. Errors: DamagedError where its bytes have another."""
    data = path.read_bytes()
    if listed is not None:
        if f"{zlib.crc32(data):08x}" != listed:
            raise DamagedError(f"{where} is damaged: its checksum differs from the one listed")
        return True
    if path.suffix == ".jsonl":
        lines = parse_lines(data, where, _ANY)
        if lines.damaged:
            raise DamagedError(lines.damaged)
        return lines.verified
    if check(data, where) is not None:
        return True
    if path.suffix == ".json":
        parsed(data, where)
    return False
