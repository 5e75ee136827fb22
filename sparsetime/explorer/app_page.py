"""The one page of the explorer, which the modules of its views fill, and plotly.js."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sparsetime import __version__
from sparsetime.explorer import manifests
from sparsetime.explorer.module_preloads import preloads


@cache
def plotly() -> bytes:
    """plotly.js as the installed package carries it."""
    return files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()


def shell(exported: str = "", view: str = "") -> str:
    """The page's HTML.

    exported: what an exported folder holds, in words; empty for a live explorer. view: the one that
    it opens with, whose modules are asked for at once; empty for a page of any view.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sparsetime.explorer"), autoescape=True, undefined=StrictUndefined
    )
    template = environment.get_template("workbench.html.j2")
    return template.render(
        version=__version__,
        exported=exported,
        manifests=manifests.for_page(bool(exported)),
        preloads=preloads(view) if view else [],
    )
