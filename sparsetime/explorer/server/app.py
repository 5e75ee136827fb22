"""The application: routes, guards, and errors as words."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from sparsetime import __version__
from sparsetime.errors import SparsetimeError, UnknownNameError
from sparsetime.explorer.server import api, pages
from sparsetime.explorer.server.access import LOCAL, guard
from sparsetime.explorer.workbench.workbench import Workbench

MOST_BYTES = 16 * 2**20  # of a request's body: room for a hundred thousand labels


def make_app(
    workbench: Workbench,
    hosts: frozenset[str] = LOCAL,
    token: str | None = None,
    framed: bool = False,
) -> FastAPI:
    """The explorer of a run; see `access.guard` for `hosts`, `token` and `framed`."""
    app = FastAPI(
        title="sparsetime explorer",
        version=__version__,
        summary="A run's features over time: what the pages of the explorer are made of.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # FastAPI's own page fetches its scripts from elsewhere
        redoc_url=None,
    )
    app.state.workbench = workbench
    app.include_router(api.make_router())
    app.include_router(pages.make_router())

    @app.exception_handler(SparsetimeError)
    def said(_: Request, error: SparsetimeError) -> JSONResponse:
        status = 404 if isinstance(error, UnknownNameError) else 400
        return JSONResponse({"error": str(error)}, status_code=status)

    @app.middleware("http")
    async def limited(request: Request, call_next):  # type: ignore[no-untyped-def]  # noqa: ANN202, ANN001
        length = request.headers.get("content-length", "")
        if request.method != "GET" and (not length.isdigit() or int(length) > MOST_BYTES):
            return JSONResponse(
                {"error": f"a request may have at most {MOST_BYTES:,} bytes"}, status_code=413
            )
        return await call_next(request)

    app.middleware("http")(guard(hosts, token, framed))
    return app
