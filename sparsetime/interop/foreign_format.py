"""Register of the formats of other libraries: how each is recognised, read and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.files import Folder
from sparsetime.interop.conventions import Conventions
from sparsetime.interop.foreign_files import ForeignFiles
from sparsetime.interop.plain_weights import PlainWeights
from sparsetime.registry import Register

Read: TypeAlias = Callable[[ForeignFiles, Conventions], PlainWeights | Dictionary]
Write: TypeAlias = Callable[[Dictionary, Folder], None]


@final
@dataclass(frozen=True)
class ForeignFormat:
    """A format of another library.

    recognises: whether a folder or file is of this format, from its names and configs. reads: the
    weights, or the dictionary where they are more than plain ones. writes: into a folder; None
    where the format is only read. proved_by: what its tests compare with.
    """

    name: str
    title: str
    recognises: Callable[[ForeignFiles], bool]
    reads: Read
    writes: Write | None
    proved_by: str


FORMATS: Register[ForeignFormat] = Register("format", lambda: ["sparsetime.interop.formats"])


def register(entry: ForeignFormat) -> None:
    """Register a format under its name."""
    FORMATS.add(entry.name, entry, entry.reads)
