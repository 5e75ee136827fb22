"""Modules that a page imports, by which its document asks the browser for all of them at once.

A browser finds an import only when it has read the module that imports it: ten levels of imports
are ten waits, where a list in the document is one.
"""

from __future__ import annotations

import posixpath
import re
from functools import cache

from sparsetime.explorer import manifests

_STATIC_IMPORT = re.compile(
    r"""^(?:import|export)\b[^;"']*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE
)


def preloads(view: str) -> list[str]:
    """Modules of a view, of the lanes and of the page around them, as paths below `explorer/`."""
    lanes = [f"lanes/{lane.name}/lane.js" for lane in manifests.lanes()]
    found: dict[str, None] = {}
    left = [*reversed(lanes), f"views/{view}/view.js", "web/main.js"]
    while left:
        path = left.pop()
        if path not in found:
            found[path] = None
            left += _imports(path)
    return list(found)


_assets = cache(manifests.assets)


@cache
def _imports(path: str) -> list[str]:
    """The modules that a module imports before it runs."""
    text = _assets()[path].read_text("utf-8")
    folder = posixpath.dirname(path)
    return [
        posixpath.normpath(posixpath.join(folder, relative))
        for relative in _STATIC_IMPORT.findall(text)
    ]
