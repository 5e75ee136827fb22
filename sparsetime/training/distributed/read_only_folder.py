"""The folder of a run on processes that read it and do not write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

from sparsetime.files import Folder


@final
class ReadOnlyFolder(Folder):
    """A folder to which another process writes the same: every write here does nothing."""

    def __truediv__(self, name: str) -> Folder:
        return ReadOnlyFolder(super().__truediv__(name).url)

    def write_bytes(self, name: str, data: bytes) -> None:
        """Leave the writing to the other process."""

    def append_lines(
        self, name: str, values: Sequence[Mapping[str, Any]], version: int = 1
    ) -> None:
        """Leave the writing to the other process."""

    def remove(self, name: str = "") -> None:
        """Leave the removal to the other process."""
