"""What stands before every route: whose browser may ask, and what a page may do."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import JSONResponse

LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
COOKIE = "sparsetime"
# plotly.js sets its styles in the page, hence 'unsafe-inline' for styles; scripts come only from
# this server, and nothing from anywhere else.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: "
    "blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {frames}"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Next = Callable[[Request], Awaitable[Response]]
Guard = Callable[[Request, Next], Awaitable[Response]]


def guard(hosts: frozenset[str], token: str | None, framed: bool = False) -> Guard:
    """A middleware that lets in only who was meant.

    hosts: names that the Host header may carry, so that a page elsewhere which points its own name
    at this machine is refused; empty where a token stands in their place. token: what the first
    request must carry as `?token=`; a cookie remembers it. framed: whether other local pages, such
    as a notebook, may show this one within them.
    """
    frames = "'self' http://localhost:* http://127.0.0.1:*" if framed else "'self'"

    async def guarded(request: Request, call_next: Next) -> Response:
        refused = _refusal(request, hosts, token)
        if refused is None:
            response = await call_next(request)
        else:
            response = JSONResponse({"error": refused}, status_code=403)
        response.headers.update(
            {**_HEADERS, "Content-Security-Policy": POLICY.format(frames=frames)}
        )
        sent_token = request.query_params.get("token", "")
        if refused is None and token and hmac.compare_digest(sent_token.encode(), token.encode()):
            response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return response

    return guarded


def _refusal(request: Request, hosts: frozenset[str], token: str | None) -> str | None:
    """Why this request is not answered; None where it is."""
    host = request.headers.get("host", "")
    name = urlsplit(f"//{host}").hostname or ""
    if hosts and name not in hosts:
        return f"this explorer answers to {', '.join(sorted(hosts))}, and not to {host!r}"
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return "a page from elsewhere may not ask this explorer"
    if token:
        sent_token = request.query_params.get("token") or request.cookies.get(COOKIE) or ""
        if not hmac.compare_digest(sent_token.encode(), token.encode()):
            return "open the explorer at the address that it printed, which carries a token"
    return None
