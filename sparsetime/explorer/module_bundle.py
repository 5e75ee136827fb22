"""The explorer's modules inside one HTML file: an import map of data: URLs.

A page that is opened from a disk cannot fetch modules. An import map names each module, and its
text is the address, so that the browser links them as it does elsewhere.
"""

from __future__ import annotations

import json
import posixpath
import re
from base64 import b64encode

from sparsetime.errors import UnknownNameError
from sparsetime.explorer import manifests

_IMPORT = re.compile(r"""(\bfrom\s*|\bimport\s*\(?\s*)(["'])(\.{1,2}/[^"']+)\2""")
_NAME = "sparsetime/"  # before each module's path, as the import map names it


def import_map(entries: list[str]) -> str:
    """The JSON of an import map with `entries` and all modules that they import.

    Entries are paths below `explorer/`, such as `web/timeline.js`; the page imports them by
    `module_name`. Errors: UnknownNameError for an import of a module that does not exist.
    """
    assets = manifests.assets()
    texts: dict[str, str] = {}
    left = list(entries)
    while left:
        path = left.pop()
        if path in texts:
            continue
        if path not in assets:
            raise UnknownNameError(f"got an import of {path}, which is no module of the explorer")
        text = assets[path].read_text("utf-8")
        folder = posixpath.dirname(path)
        left += [_resolved(folder, match[3]) for match in _IMPORT.finditer(text)]
        texts[path] = _IMPORT.sub(
            lambda match, folder=folder: (  # type: ignore[misc]
                f'{match[1]}"{module_name(_resolved(folder, match[3]))}"'
            ),
            text,
        )
    imports = {
        module_name(path): f"data:text/javascript;base64,{b64encode(text.encode()).decode()}"
        for path, text in sorted(texts.items())
    }
    return json.dumps({"imports": imports}, indent=0)


def module_name(path: str) -> str:
    """The name by which a page with an import map imports a module."""
    return _NAME + path


def _resolved(folder: str, relative: str) -> str:
    return posixpath.normpath(posixpath.join(folder, relative))
