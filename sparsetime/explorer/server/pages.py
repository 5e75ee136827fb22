"""The pages themselves: one shell for all views, which the modules of `web/` fill."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sparsetime.errors import UnknownNameError, unknown_name
from sparsetime.explorer import app_page

router = APIRouter(include_in_schema=False)

VIEWS = ("", "timeline", "live", "features", "compare", "labels", "api/docs")
_TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


def asset(request: Request) -> Response:
    """A module or style sheet of the package; nothing else can be named."""
    name, known = request.url.path.lstrip("/"), app_page.assets()
    if name not in known:
        raise unknown_name("file", name, known)
    media = f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8"
    text = known[name].read_bytes()
    return Response(text, media_type=media, headers={"Cache-Control": "no-cache"})


for _folder in app_page.FOLDERS:
    router.get(f"/{_folder}/{{path:path}}")(asset)


@router.get("/renderers/{number}.js")
def renderer(request: Request, number: int) -> Response:
    """A renderer that whoever started the explorer named."""
    known = request.app.state.workbench.renderers
    if not 0 <= number < len(known):
        raise UnknownNameError(f"there is no renderer {number}; {len(known)} were named")
    media = f"{_TYPES['js']}; charset=utf-8"
    text = known[number].read_bytes()
    return Response(text, media_type=media, headers={"Cache-Control": "no-cache"})


@router.get("/plotly.js")
def plotly() -> Response:
    """plotly.js as the installed package carries it."""
    return Response(
        app_page.plotly(),
        media_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "max-age=86400"},
    )


def page(request: Request) -> HTMLResponse:
    """The shell; its scripts read the address and draw the view."""
    return HTMLResponse(app_page.shell())


for _view in VIEWS:
    router.get(f"/{_view}")(page)
router.get("/features/{key}/{number}")(page)


@router.get("/score")
def moved_timeline(request: Request) -> RedirectResponse:
    """The address of the timeline in 0.1.0."""
    query = request.url.query
    return RedirectResponse("/timeline" + (f"?{query}" if query else ""), status_code=308)


@router.get("/{path:path}")
def missing(request: Request, path: str) -> Response:
    """The shell for people, whose scripts say that there is no such page; words for programs.

    Errors: UnknownNameError naming the pages that exist.
    """
    if "text/html" in request.headers.get("accept", "") and not path.startswith("api/"):
        return HTMLResponse(app_page.shell(), status_code=404)
    raise UnknownNameError(
        f"there is no page /{path}; there are {', '.join('/' + view for view in VIEWS)}"
    )
