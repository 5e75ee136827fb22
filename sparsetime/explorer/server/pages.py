"""The pages: one document for all views, whose modules draw them, and the files they need.

These routes are coroutines: small files are read in the event loop, so that a page opens also while
every thread of the pool computes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sparsetime.errors import UnknownNameError, unknown_name
from sparsetime.explorer import app_page, manifests
from sparsetime.explorer.module_preloads import preloads

_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css"}
_TYPES[".svg"] = "image/svg+xml"


def make_router() -> APIRouter:
    """The address of every view, of its modules, and a last route for all that does not exist."""
    views, assets, document = manifests.views(), manifests.assets(), app_page.shell()
    router = APIRouter(include_in_schema=False)
    for folder in sorted({path.partition("/")[0] for path in assets}):
        router.get(f"/{folder}/{{path:path}}")(_asset_route(assets))
    router.get("/renderers/{number}.js")(renderer)
    router.get("/plotly.js")(plotly)
    for view in views:
        page = app_page.shell(preloads=preloads(view.name, assets))
        router.get(view.path)(_page_route(page))
        for earlier in view.moved_from:
            router.get(earlier)(_redirect_route(view.path))

    @router.get("/{path:path}")
    async def missing(request: Request, path: str) -> Response:
        """The document for people, whose scripts say that there is no such page; else words.

        Errors: UnknownNameError naming the pages that exist.
        """
        if "text/html" in request.headers.get("accept", "") and not path.startswith("api/"):
            return HTMLResponse(document, status_code=404)
        pages = ", ".join(view.path for view in views)
        raise UnknownNameError(f"there is no page /{path}; there are {pages}")

    return router


async def renderer(request: Request, number: int) -> Response:
    """The module of a lane that was named when the explorer started."""
    files = request.app.state.workbench.renderers
    if not 0 <= number < len(files):
        raise UnknownNameError(f"there is no renderer {number}; {len(files)} were named")
    return _file(files[number])


async def plotly() -> Response:
    """plotly.js as the installed package carries it."""
    return Response(
        app_page.plotly(),
        media_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "max-age=86400"},
    )


def _asset_route(assets: dict[str, Path]) -> Callable[[Request], Awaitable[Response]]:
    async def asset(request: Request) -> Response:
        """A module or style sheet of the package; nothing else can be named."""
        name = request.url.path.lstrip("/")
        if name not in assets:
            raise unknown_name("file", name, assets)
        return _file(assets[name])

    return asset


def _page_route(document: str) -> Callable[[], Awaitable[HTMLResponse]]:
    async def page() -> HTMLResponse:
        """The document; its scripts read the address and draw the view."""
        return HTMLResponse(document)

    return page


def _redirect_route(path: str) -> Callable[[Request], Awaitable[RedirectResponse]]:
    async def moved(request: Request) -> RedirectResponse:
        """An earlier address of a view, with its query."""
        query = request.url.query
        return RedirectResponse(path + (f"?{query}" if query else ""), status_code=308)

    return moved


def _file(path: Path) -> Response:
    media = f"{_TYPES[path.suffix]}; charset=utf-8"
    return Response(path.read_bytes(), media_type=media, headers={"Cache-Control": "no-cache"})
