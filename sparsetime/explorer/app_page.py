"""The one page of the workbench, and the files it is drawn with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from sparsetime import __version__

#: Folders with modules; their paths in the package are their addresses, so that relative imports
#: mean the same on disk, on the server and in an export.
FOLDERS = ("web", "views", "lanes", "panels")
_KINDS = (".js", ".css", ".svg")


@cache
def assets() -> dict[str, Traversable]:
    """The modules, style sheet and icon of the pages, by their path below `explorer/`."""
    explorer = files("sparsetime.explorer")
    return {
        path: file
        for folder in FOLDERS
        for path, file in _walk(explorer.joinpath(folder), folder)
        if path.endswith(_KINDS)
    }


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        below = f"{path}/{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, below)
        else:
            yield below, entry


@cache
def plotly() -> bytes:
    """plotly.js as the installed package carries it."""
    return files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()


@cache
def shell(exported: str = "") -> str:
    """The page's HTML. `exported` says what an exported folder holds; empty for a live explorer."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sparsetime.explorer"), autoescape=True, undefined=StrictUndefined
    )
    template = environment.get_template("workbench.html.j2")
    return template.render(version=__version__, exported=exported)
