"""Files of a run that a test edits, with a checksum that fits: what the content alone decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparsetime.files import Folder
from sparsetime.files.checksum import signed


def read_json(path: str | Path) -> Any:
    """The value of a JSON file, less its checksum."""
    return Folder(str(Path(path).parent)).read_json(Path(path).name)


def write_json(path: str | Path, value: dict[str, Any]) -> None:
    """Write a JSON file as the package does."""
    Folder(str(Path(path).parent)).write_json(Path(path).name, value)


def replace(path: Path, old: str, new: str) -> None:
    """Replace a part of a text file, and its checksum."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_bytes(signed(text.replace(old, new).encode()))
