"""Request checks (Host, Origin, token) and security headers of every answer."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
COOKIE = "sparsetime"
# plotly.js sets its styles in the page, hence 'unsafe-inline' for styles; scripts come only from
# this server, and nothing from anywhere else.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: "
    "blob:; media-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {frames}"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@final
class AccessCheck:
    """ASGI middleware that answers only permitted requests, and adds the security headers.

    hosts: names that the Host header may carry, so that a page elsewhere which points its own name
    at this machine is refused; empty where a token stands in their place. token: what the first
    request must carry as `?token=`; a cookie remembers it. framed: whether other local pages, such
    as a notebook, may show this one within them.
    """

    def __init__(
        self, app: ASGIApp, hosts: frozenset[str], token: str | None, framed: bool
    ) -> None:
        self._app = app
        self._hosts, self._token = hosts, token
        frames = "'self' http://localhost:* http://127.0.0.1:*" if framed else "'self'"
        self._headers = {**_HEADERS, "Content-Security-Policy": POLICY.format(frames=frames)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 to a request that is not permitted, pass on any other."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refused = _refusal(request, self._hosts, self._token)
        cookie = None
        token = self._token or ""
        sent_token = request.query_params.get("token", "")
        if refused is None and token and hmac.compare_digest(sent_token.encode(), token.encode()):
            cookie = Response()
            cookie.set_cookie(COOKIE, token, httponly=True, samesite="strict")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                if cookie is not None:
                    headers.append("set-cookie", cookie.headers["set-cookie"])
            await send(message)

        app = self._app
        if refused is not None:
            app = JSONResponse({"error": refused}, status_code=403)
        await app(scope, receive, send_with_headers)


def _refusal(request: Request, hosts: frozenset[str], token: str | None) -> str | None:
    """Why this request is not answered; None where it is."""
    host = request.headers.get("host", "")
    if hosts and _host_name(host) not in hosts:
        return f"this explorer answers to {', '.join(sorted(hosts))}, and not to {host!r}"
    origin = request.headers.get("origin")
    if origin is not None and _origin_host(origin) != host:
        return "a page from elsewhere may not ask this explorer"
    if token:
        sent_token = request.query_params.get("token") or request.cookies.get(COOKIE) or ""
        if not hmac.compare_digest(sent_token.encode(), token.encode()):
            return "open the explorer at the address that it printed, which carries a token"
    return None


def _host_name(host: str) -> str:
    """The name in a Host header without its port; empty where it cannot be read, as in "["."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _origin_host(origin: str) -> str | None:
    """The host and port of an Origin header; None where it cannot be read."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
