"""Equal requests at the same time are computed once, on one thread of the pool."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias, final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_Key: TypeAlias = "tuple[asyncio.AbstractEventLoop, int, str, bytes]"


@final
class SharedAnswers:
    """ASGI middleware: a GET of the API that equals one in progress gets the same answer.

    Many readers open the same pages. Without this, each of their requests would take a thread to
    compute what another thread computes, or to wait for it, until none is left for other pages.

    A request that writes starts a new generation, whose requests share nothing with earlier ones:
    a caller that writes and then reads gets what was written.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._generation = 0
        self._running: dict[_Key, asyncio.Task[list[Message]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Join the equal request in progress, or answer."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        if scope["method"] != "GET":
            self._generation += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._generation += 1
            return
        loop = asyncio.get_running_loop()
        key = (loop, self._generation, scope["path"], scope["query_string"])
        running = self._running.get(key)
        if running is None:
            running = loop.create_task(self._messages(scope))
            self._running[key] = running
            running.add_done_callback(lambda _: self._running.pop(key, None))
        for message in await asyncio.shield(running):
            headers = {"headers": list(message["headers"])} if "headers" in message else {}
            await send({**message, **headers})  # outer middleware writes into the list of headers

    async def _messages(self, scope: Scope) -> list[Message]:
        messages: list[Message] = []
        body: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            if body:
                return body.pop()
            # The client stays, so an application that waits for it to leave waits without end.
            never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
            return await never

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        return messages
