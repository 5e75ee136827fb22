"""The one page of the workbench, and the files it is drawn with."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from sparsetime import __version__

_KINDS = (".js", ".css", ".svg")


@cache
def assets() -> dict[str, Traversable]:
    """The modules, style sheet and picture of the page, by name."""
    found = files("sparsetime.explorer").joinpath("web").iterdir()
    return {each.name: each for each in found if each.name.endswith(_KINDS)}


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
