"""Modules that a page imports, by which its document asks the browser for all of them at once.

A browser finds an import only when it has read the module that imports it: ten levels of imports
are ten waits, where a list in the document is one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sparsetime.explorer import manifests

_STATIC_IMPORT = re.compile(
    r"""^(?:import|export)\b[^;"']*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE
)


def preloads(view: str, assets: Mapping[str, Path]) -> list[str]:
    """Modules of a view, of the lanes and of the page around them, as paths below `explorer/`.

    assets: the files that are served, as `manifests.assets` has them. An import of anything else is
    left to the browser, which says that it is missing.
    """
    lanes = [f"lanes/{lane.name}/lane.js" for lane in manifests.lanes()]
    found: dict[str, None] = {}
    left = [*reversed(lanes), f"views/{view}/view.js", "web/main.js"]
    while left:
        path = left.pop()
        if path in assets and path not in found:
            found[path] = None
            folder = posixpath.dirname(path)
            left += [posixpath.normpath(f"{folder}/{one}") for one in _imports(assets[path])]
    return list(found)


@cache
def _imports(module: Path) -> list[str]:
    """The modules that a module imports before it runs, relative to its folder."""
    return _STATIC_IMPORT.findall(module.read_text("utf-8"))
