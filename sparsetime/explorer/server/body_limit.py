"""A limit on the body of a request, checked before any of it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

MOST_BYTES = 16 * 2**20  # room for a hundred thousand labels
_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")


@final
class BodyLimit:
    """ASGI middleware that refuses bodies of more than MOST_BYTES, and of unknown length.

    A chunked body says its length nowhere. With both headers the body is chunked whatever the
    Content-Length says (RFC 9112, 6.3), so any Transfer-Encoding is refused. The server's protocol
    hands on no more bytes than a Content-Length announces.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 to a body that is too long, pass on any other request."""
        app = self._app
        if scope["type"] == "http" and scope["method"] not in _WITHOUT_BODY:
            refused = _refusal(Headers(scope=scope))
            if refused is not None:
                app = JSONResponse({"error": refused}, status_code=413)
        await app(scope, receive, send)


def _refusal(headers: Headers) -> str | None:
    """Why this body is not read; None where it is."""
    if "transfer-encoding" in headers:
        return (
            f"got a body with Transfer-Encoding, whose length nothing says; send a Content-Length "
            f"of at most {MOST_BYTES:,} bytes instead"
        )
    lengths = headers.getlist("content-length")
    if len(lengths) != 1 or not (lengths[0].isascii() and lengths[0].isdecimal()):
        return f"got no Content-Length; send one of at most {MOST_BYTES:,} bytes"
    if int(lengths[0]) > MOST_BYTES:
        return f"got a body of {int(lengths[0]):,} bytes; a request may have at most {MOST_BYTES:,}"
    return None
