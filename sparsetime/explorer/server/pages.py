"""The pages themselves: one shell for all views, which the modules of `web/` fill."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from sparsetime.errors import UnknownNameError, unknown_name

router = APIRouter(include_in_schema=False)

VIEWS = ("", "score", "features", "compare", "labels", "api/docs")
_TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


@router.get("/web/{name}")
def asset(name: str) -> Response:
    """A module or style sheet of the package; nothing else can be named."""
    known = {each.name for each in files("sparsetime.explorer").joinpath("web").iterdir()}
    if name not in known or name.rpartition(".")[2] not in _TYPES:
        raise unknown_name("file", name, known)
    text = files("sparsetime.explorer").joinpath("web", name).read_bytes()
    media = f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8"
    return Response(text, media_type=media, headers={"Cache-Control": "no-cache"})


@router.get("/plotly.js")
def plotly() -> Response:
    """plotly.js as the installed package carries it."""
    return Response(
        _plotly(),
        media_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "max-age=86400"},
    )


def page(request: Request) -> HTMLResponse:
    """The shell; its scripts read the address and draw the view."""
    return HTMLResponse(_shell())


for _view in VIEWS:
    router.get(f"/{_view}")(page)
router.get("/features/{key}/{number}")(page)


@router.get("/{path:path}")
def missing(path: str) -> JSONResponse:
    """Errors: UnknownNameError naming the pages that exist."""
    raise UnknownNameError(
        f"there is no page /{path}; there are {', '.join('/' + view for view in VIEWS)}"
    )


@cache
def _plotly() -> bytes:
    return files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()


@cache
def _shell() -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from sparsetime import __version__

    environment = Environment(
        loader=PackageLoader("sparsetime.explorer"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("workbench.html.j2").render(version=__version__)
