"""The one page of the explorer, which the modules of its views fill, and plotly.js."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from sparsetime import __version__
from sparsetime.explorer import manifests

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def plotly() -> bytes:
    """plotly.js as the installed package carries it."""
    return files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()


def shell(exported: str = "", preloads: Sequence[str] = ()) -> str:
    """The page's HTML.

    exported: what an exported folder holds, in words; empty for a live explorer. preloads: modules
    that are asked for at once, as paths below `explorer/`; none for a page of any view.
    """
    return _template().render(
        version=__version__,
        exported=exported,
        manifests=manifests.for_page(bool(exported)),
        preloads=preloads,
    )


@cache
def _template() -> Template:
    """Compiled once: the explorer fills it for every view when it starts."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sparsetime.explorer"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("workbench.html.j2")
