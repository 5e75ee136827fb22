"""Conversion of dictionaries between sparsetime and the formats of other libraries."""

from __future__ import annotations

import os
from typing import Any

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.serialise import save
from sparsetime.errors import ConfigError
from sparsetime.files import Folder, locks
from sparsetime.files.folder_url import folder_url
from sparsetime.files.other_files import check_no_other_files
from sparsetime.interop.foreign_format import FORMATS
from sparsetime.interop.load import load

#: The name of our own format in `convert`.
OWN = "sparsetime"


@locks("out")
def convert(
    source: Dictionary | str | os.PathLike[str],
    out: str | os.PathLike[str],
    format: str = OWN,  # noqa: A002
    *,
    source_format: str | None = None,
    force: bool = False,
    **conventions: Any,
) -> str:
    """Write a dictionary in a format: "sparsetime", or that of another library; returns the folder.

    source: a dictionary, or what `load` opens, with `source_format` and conventions as there. In
    another library's format activation values are in units of raw activations; what it cannot
    express is refused. force: write into a folder that is not empty.

    Errors: those of `load`; ConfigError for what would be lost, for a format that is only read, and
    for an unknown one; StoreError for a folder that is not empty.
    """
    if format != OWN and FORMATS[format].writes is None:
        writable = [entry.name for entry in FORMATS.values() if entry.writes]
        raise ConfigError(
            f"got format={format!r}, which is only read, expected one that is written: "
            f"{', '.join([OWN, *writable])}"
        )
    folder = Folder(folder_url(out))
    if not force:
        check_no_other_files(folder)
    if isinstance(source, Dictionary):
        dictionary = source
    else:
        dictionary = load(source, source_format, **conventions)
    if format == OWN:
        save(dictionary, folder.url)
        return folder.url
    writes = FORMATS[format].writes
    assert writes is not None
    writes(dictionary, folder)
    return folder.url
