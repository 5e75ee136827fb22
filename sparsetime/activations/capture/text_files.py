"""Text files as documents."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import final

from sparsetime.activations.capture.document import Document
from sparsetime.errors import ConfigError, DataError


@final
class TextFiles:
    """UTF-8 text files as documents: `id` and `source` are the path. Can be iterated again."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Document]:
        for path in self.paths:
            text, problem = _decoded(path)
            if text is None:
                raise DataError(f"{path} is no longer UTF-8 text: {problem}")
            # A name that is not UTF-8 has bytes that no file of a store can hold.
            name = os.fsencode(path).decode("utf-8", "replace")
            yield Document(name, text=text, source=name)


def read_texts(paths: str | Path | Iterable[str | Path], on_bad: str = "refuse") -> TextFiles:
    """Text files as documents; a folder stands for all `*.txt` files in and below it.

    Every file is checked at once, before any long work. `on_bad="skip"` leaves out files that are
    not UTF-8, with a warning that names them.

    Errors: DataError for a file that is missing or, with `on_bad="refuse"`, not UTF-8, and where
    no file is left.
    """
    if on_bad not in ("refuse", "skip"):
        raise ConfigError(f"got on_bad={on_bad!r}, expected 'refuse' or 'skip'")
    requested = [paths] if isinstance(paths, str | Path) else list(paths)
    files: list[Path] = []
    for path in map(Path, requested):
        if path.is_dir():
            files.extend(sorted(path.rglob("*.txt")))
        elif path.is_file():
            files.append(path)
        else:
            raise DataError(f"the text file {path} does not exist")
    kept = []
    for path in files:
        text, problem = _decoded(path)
        if text is not None:
            kept.append(path)
        elif on_bad == "skip":
            warnings.warn(f"left out {path}: {problem}", stacklevel=2)
        else:
            raise DataError(
                f"{path} is not UTF-8 text: {problem}. Convert it, or leave such files out with "
                f"on_bad='skip'"
            )
    if not kept:
        raise DataError(
            f"no text files were found in {', '.join(map(str, requested)) or 'no paths'}"
        )
    return TextFiles(kept)


def _decoded(path: Path) -> tuple[str | None, str]:
    try:
        return path.read_bytes().decode("utf-8"), ""
    except UnicodeDecodeError as error:
        bad = error.object[error.start]
        return None, f"byte 0x{bad:02x} at offset {error.start} is not UTF-8"
