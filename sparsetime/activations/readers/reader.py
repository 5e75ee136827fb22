"""Register of readers, and what a reader finds in a file: outlines of its recordings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias, final

from sparsetime.activations.capture.document import Document
from sparsetime.errors import ConfigError, DataError, unknown_name
from sparsetime.registry import Register


@final
@dataclass(frozen=True)
class Outline:
    """One recording of a file, as its header describes it, without its values.

    length: steps; None where only reading shows it, as of texts. document: reads the values.
    events: rows with onset, duration and trial_type. channels, units, rate: as of `Recording`.
    """

    id: str
    path: Path
    length: int | None
    document: Callable[[], Document]
    rate: float | None = None
    channels: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    start: float = 0.0
    step: float = 1.0
    events: Sequence[Mapping[str, Any]] = field(default=())


#: A function of the path and of options by name that gives the outlines of all its recordings.
Outlines: TypeAlias = Callable[..., Sequence[Outline]]


@final
@dataclass(frozen=True)
class Reader:
    """A reader of files with certain suffixes.

    extra: the extra of sparsetime that installs `package`; "" where it is always there.
    """

    name: str
    suffixes: tuple[str, ...]
    outlines: Outlines
    extra: str = ""
    package: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        """Names of its options."""
        parameters = inspect.signature(self.outlines).parameters.values()
        return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)

    def check_installed(self, path: Path) -> None:
        """Errors: ConfigError where the package that reads the file is not installed."""
        if self.package and find_spec(self.package) is None:
            raise ConfigError(
                f"got {path}, which the package {self.package} reads, and it is not installed; "
                f'install it with pip install "sparsetime[{self.extra}]"'
            )


READERS: Register[Reader] = Register("reader", lambda: ["sparsetime.activations.readers"])


def reader(
    name: str, *suffixes: str, extra: str = "", package: str = ""
) -> Callable[[Outlines], Outlines]:
    """Register a function as the reader of files with these suffixes."""

    def register(outlines: Outlines) -> Outlines:
        READERS.add(name, Reader(name, suffixes, outlines, extra, package), outlines)
        return outlines

    return register


def reader_of(path: Path) -> Reader | None:
    """The reader of a file by its suffix, case apart; None where there is none."""
    name = path.name.lower()
    for one in READERS.values():
        if name.endswith(one.suffixes):
            return one
    return None


def known_formats() -> str:
    """All suffixes that are read, each group with the extra that it needs."""
    groups = []
    for one in READERS.values():
        extra = f' (pip install "sparsetime[{one.extra}]")' if one.extra else ""
        groups.append(f"{', '.join(one.suffixes)}{extra}")
    return "; ".join(groups)


def outlines_of(path: Path, options: Mapping[str, Any]) -> list[Outline]:
    """What a file holds. Errors: those of its reader; DataError for a file without recordings."""
    own = reader_of(path)
    assert own is not None, "callers ask for known suffixes only"
    own.check_installed(path)
    for name in options:
        if name not in own.options:
            raise unknown_name(f"option of {own.name} files", name, own.options)
    found = list(own.outlines(path, **options))
    if not found:
        raise DataError(f"{path} holds no recording; leave it out")
    return found
