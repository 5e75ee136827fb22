"""`sparsetime.load`: dictionaries of sparsetime and of other libraries, from folders and URLs."""

from __future__ import annotations

import os
from typing import Any

from sparsetime.dictionaries import serialise
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, StoreError
from sparsetime.files.folder_url import folder_url
from sparsetime.interop.compose_weights import composed
from sparsetime.interop.conventions import Conventions
from sparsetime.interop.foreign_files import ForeignFiles
from sparsetime.interop.foreign_format import FORMATS, ForeignFormat
from sparsetime.interop.plain_weights import PlainWeights


def load(
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002
    **conventions: Any,
) -> Dictionary:
    """Open a dictionary that `save` or `train` wrote, or one of another library.

    path: a folder, a file, or a URL such as `hf://owner/repo/folder`. format: the name of another
    library's format (`sparsetime.interop.known_formats()`); without it, the files show it.
    conventions: values of what the files do not settle, such as `subtracts_offset=False`; a rule
    that was applied instead is logged and kept in `provenance["conventions"]`.

    A dictionary of another library keeps its weights and activation values, with a scale of 1.
    Nothing in the files is executed: pickles are read as tensors alone.

    Errors: StoreError where nothing is known there, with what is; DamagedError where a file of
    sparsetime is damaged; DataError where one of another library is, or holds other tensors than
    its format has; ConfigError for a component or convention that this sparsetime does not have.
    """
    url = folder_url(path, "path")
    if format is None and _is_own(url):
        dictionary = serialise.load(url)
        Conventions(conventions).finish(f"{url}, whose file leaves nothing open")
        return dictionary
    source = ForeignFiles.at(url)
    if source.file and not any(entry.recognises(source) for entry in FORMATS.values()):
        source = ForeignFiles(source.folder)  # one file of several that belong together
    known = _format_of(source) if format is None else FORMATS[format]
    settled = Conventions(conventions)
    made = known.reads(source, settled)
    settled.finish(source.where)
    dictionary = composed(made, known.name) if isinstance(made, PlainWeights) else made
    dictionary.name, dictionary.is_fitted = known.name, True
    dictionary.provenance["format"] = known.name
    if settled.resolved:
        dictionary.provenance["conventions"] = dict(settled.resolved)
    return dictionary


def known_formats() -> list[ForeignFormat]:
    """The formats of other libraries that are read, sorted by name."""
    return FORMATS.values()


def _is_own(url: str) -> bool:
    """Whether serialise.load reads it, or is the one to explain why not."""
    try:
        source = ForeignFiles.at(url)
    except StoreError:
        return True
    return source.has(serialise.JSON_NAME)


def _format_of(source: ForeignFiles) -> ForeignFormat:
    fitting = [entry for entry in FORMATS.values() if entry.recognises(source)]
    if len(fitting) == 1:
        return fitting[0]
    held = ", ".join(source.names()[:12]) or "nothing"
    if fitting:
        names = " or ".join(repr(entry.name) for entry in fitting)
        raise ConfigError(f"got {source.where}, which may be {names}; give format=")
    if not source.file and (inner := _inside(source)):
        raise StoreError(
            f"{source.where} holds several dictionaries, expected one; give one of: "
            f"{', '.join(inner[:12])}"
        )
    raise StoreError(
        f"{source.where} holds no {serialise.JSON_NAME}, so it is not a finished dictionary of "
        f"sparsetime, and no known format of another library. It holds: {held}. Formats: "
        f"{', '.join(FORMATS)}"
    )


def _inside(source: ForeignFiles) -> list[str]:
    """Names of the folders within that are dictionaries of any kind."""
    found = []
    for name in source.names()[:64]:
        inner = source.inner(name)
        if inner is None:
            continue
        if inner.has(serialise.JSON_NAME) or any(f.recognises(inner) for f in FORMATS.values()):
            found.append(name)
    return found
