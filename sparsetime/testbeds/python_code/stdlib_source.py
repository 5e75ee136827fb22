"""The standard library's source: text that is on every machine, with modules held out."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import final

from sparsetime.errors import DataError

# Tables, generated text and tests: long, and near copies of each other across files, so that a
# split by file would not keep the held-out part out of the training part.
NOT_READ = {
    "__pycache__", "distutils", "encodings", "ensurepip", "idlelib", "lib2to3", "pydoc_data",
    "site-packages", "test", "tests", "turtledemo",
}  # fmt: skip
_HELD_OUT_OF_TEN = 1


@final
@dataclass(frozen=True)
class Module:
    """A source file: its dotted name, its text, and whether the model never saw it."""

    name: str
    text: str
    held_out: bool

    @property
    def package(self) -> str:
        """The first part of its name; a lone file is its own package."""
        return self.name.partition(".")[0]


def modules(library: Path | None = None) -> list[Module]:
    """Every module of the standard library that is not empty, sorted by path.

    Modules are read, never imported. `library` is the folder of the sources (default: this
    Python's). Which modules are held out follows from their names alone, so that it is the same
    for every version of Python.

    Errors: DataError where the folder holds no source files.
    """
    root = library or Path(sysconfig.get_path("stdlib"))
    sources = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if NOT_READ & set(parts) or parts[0] not in sys.stdlib_module_names:
            continue
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = _text(path)
        if text.strip():
            sources.append(Module(name, text, is_held_out(name)))
    if not sources:
        raise DataError(
            f"no Python sources were found in {root}; the Python-source testbed needs the standard "
            f"library's .py files (some packaged Pythons ship only compiled ones)"
        )
    return sources


def is_held_out(name: str) -> bool:
    """Whether the module of that name is kept from training: one in ten, by its name's hash."""
    return hashlib.sha256(name.encode()).digest()[0] % 10 < _HELD_OUT_OF_TEN


def _text(path: Path) -> str:
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError):  # an encoding that its first lines misstate
        return ""
