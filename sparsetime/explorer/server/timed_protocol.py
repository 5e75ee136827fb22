"""HTTP connections that are closed where a request does not arrive whole in time."""

from __future__ import annotations

import asyncio
from typing import Any, final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0  # for the request line and the headers, from the first byte on
#: An idle connection is kept after an answer, so that a client seldom sends into one that closes.
KEEP_SECONDS = 75
BODY_SECONDS = 60.0  # for the body, from the end of the head on


@final
class TimedProtocol(H11Protocol):
    """uvicorn's protocol over h11, with a limit on the time that a request takes to arrive.

    uvicorn closes connections that are idle between requests (KEEP_SECONDS); one that sends half a
    head, or its body a byte a minute, it keeps. h11 itself refuses a head of more than 64 KiB.
    """

    _arriving: Any = None  # the part of the request that the timer waits for
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take bytes, and wait for the part of the request that comes next."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._wait_for(None)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of a body that was answered early."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self._wait_for(None)  # nothing of the next request is here: uvicorn waits for it
        else:
            self._watch()

    def _watch(self) -> None:
        state: Any = self.conn.their_state
        self._wait_for(state if state in (h11.IDLE, h11.SEND_BODY) else None)

    def _wait_for(self, state: Any) -> None:
        if state is self._arriving:
            return  # more bytes of the same part do not move its end
        if self._timer is not None:
            self._timer.cancel()
        self._arriving = state
        self._timer = None
        if state is not None:
            seconds = HEAD_SECONDS if state is h11.IDLE else BODY_SECONDS
            self._timer = self.loop.call_later(seconds, self._close_late)

    def _close_late(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
