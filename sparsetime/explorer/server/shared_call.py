"""A blocking function that many requests want at once, run once on one thread for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar, final

from anyio import to_thread

Value = TypeVar("Value")


@final
class SharedCall(Generic[Value]):
    """Callers while the function runs await its one result; a later caller runs it again."""

    def __init__(self, function: Callable[[], Value]) -> None:
        self._function = function
        self._running: asyncio.Task[Value] | None = None

    async def __call__(self) -> Value:
        running = self._running
        if running is None or running.done() or running.get_loop() != asyncio.get_running_loop():
            running = asyncio.create_task(self._run())
            self._running = running
        return await asyncio.shield(
            running
        )  # a caller that goes away takes nothing from the others

    async def _run(self) -> Value:
        return await to_thread.run_sync(self._function)
