"""JSON records that a command saved in a folder beside an index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.files import Folder


def index_records(
    opened: RunCache, key: str, folder: str, version: int, again: str
) -> Iterator[tuple[str, Any]]:
    """Address and content of every JSON file of a folder in an index, by name.

    version: the schema of the files. again: what makes one again, for errors. Nothing where there
    is no folder.

    Errors: UnknownNameError for a dictionary that the run does not show; DamagedError for a file
    that cannot be read; StoreError for one of a newer sparsetime.
    """
    where = Folder(opened.dictionary(key).index.path) / folder
    if not where.exists():
        return
    for name in sorted(name for name in where.names() if name.endswith(".json")):
        yield f"{where.url}/{name}", where.read_json(name, version, again)
