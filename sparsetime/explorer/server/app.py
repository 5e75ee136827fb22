"""The application: routes, request checks, and errors as words."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from sparsetime import __version__
from sparsetime.errors import BusyError, SparsetimeError, SupersededError, UnknownNameError
from sparsetime.explorer.server import api, pages
from sparsetime.explorer.server.access import LOCAL, AccessCheck
from sparsetime.explorer.server.body_limit import BodyLimit
from sparsetime.explorer.server.shared_answers import SharedAnswers
from sparsetime.explorer.server.shared_call import SharedCall
from sparsetime.explorer.workbench.workbench import Workbench

_STATUS: dict[type[SparsetimeError], int] = {
    UnknownNameError: 404,
    SupersededError: 409,
    BusyError: 503,
}


def make_app(
    workbench: Workbench,
    hosts: frozenset[str] = LOCAL,
    token: str | None = None,
    framed: bool = False,
) -> FastAPI:
    """The explorer of a run; see `access.AccessCheck` for `hosts`, `token` and `framed`."""
    app = FastAPI(
        title="sparsetime explorer",
        version=__version__,
        summary="A run's features over time: what the pages of the explorer are made of.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # FastAPI's own page fetches its scripts from elsewhere
        redoc_url=None,
    )
    app.state.workbench = workbench
    app.state.reading = SharedCall(lambda: workbench.opened)
    # As they are: `include_router` would build every route again.
    app.router.routes.extend([*api.make_router().routes, *pages.make_router().routes])

    @app.exception_handler(SparsetimeError)
    async def said(_: Request, error: SparsetimeError) -> JSONResponse:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 400)
        return JSONResponse({"error": str(error)}, status_code=status)

    # The last one added is the first that a request meets.
    app.add_middleware(SharedAnswers)
    app.add_middleware(BodyLimit)
    app.add_middleware(AccessCheck, hosts=hosts, token=token, framed=framed)
    return app
