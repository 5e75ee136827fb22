"""One thread on which all uses of the live model take turns; event loops read the results.

A live run lasts seconds, and the model serves one pass at a time. A thread of the server's pool
that waited for its turn, or for the next chunk, would be missing for the pages. So runs are queued
here, and their readers wait in the event loop, which costs no thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar, final

from sparsetime.errors import BusyError, SparsetimeError, SupersededError

MOST_WAITING = 512  # runs; more at once are no typing
_STOPPED = "the explorer was stopped; start it again"

Item = TypeVar("Item")
_END = object()


@final
class LiveRun(Generic[Item]):
    """The items of one run, read by one event loop while the worker makes them."""

    def __init__(self, work: Callable[[], Iterator[Item]], page: str) -> None:
        self.work = work
        self.page = page
        self.started = False
        self._stopped = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[object] = asyncio.Queue()

    async def next_item(self) -> Item | None:
        """The next item; None at the end. Errors: those of the work; SupersededError."""
        item = await self._items.get()
        if isinstance(item, BaseException):
            raise item
        return None if item is _END else item  # type: ignore[return-value]

    def stop(self) -> None:
        """End the run at its next item; nobody reads on."""
        self._stopped.set()

    def refuse(self, why: SparsetimeError) -> None:
        """End the run, and answer its reader at once."""
        self.stop()
        self._put(why)

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    def make(self) -> None:
        """Do the work, until its end or until the run is stopped. Called on the worker's thread."""
        self.started = True
        items: Iterator[Item] = iter(())
        try:
            items = self.work()
            for item in items:
                if self.is_stopped:
                    return
                self._put(item)
            self._put(_END)
        except BaseException as error:  # every error is the reader's
            self._put(error)
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    def _put(self, item: object) -> None:
        try:
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)
        except RuntimeError:  # the loop is closed: the server was stopped
            self.stop()


@final
class LiveWorker:
    """Runs in the order in which they came, one at a time, and of each page only the newest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held for a few instructions only
        self._waiting: deque[LiveRun[Any]] = deque()
        self._newest: dict[str, LiveRun[Any]] = {}
        self._present: LiveRun[Any] | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def start(self, work: Callable[[], Iterator[Item]], page: str = "") -> LiveRun[Item]:
        """Queue a run; called in an event loop. An earlier run of the same page is superseded.

        page: which page asks; "" for a run that no other one supersedes.

        Errors: BusyError where MOST_WAITING runs wait already, and once the worker is closed.
        """
        run = LiveRun(work, page)
        with self._lock:
            if self._closed:
                raise BusyError(_STOPPED)
            earlier = self._newest.pop(page, None) if page else None
            if earlier is not None:
                earlier.refuse(
                    SupersededError("a newer text of the same page took the place of this one")
                )
            self._waiting = deque(each for each in self._waiting if not each.is_stopped)
            if len(self._waiting) >= MOST_WAITING:
                raise BusyError(
                    f"{len(self._waiting)} live runs wait for the model already; try again later"
                )
            self._waiting.append(run)
            if page:
                self._newest[page] = run
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="sparsetime live", daemon=True
                )
                self._thread.start()
        return run

    async def call(self, work: Callable[[], Item]) -> Item:
        """The result of a function that uses the model, in its turn. Errors: those of `work`."""
        run = self.start(lambda: iter([work()]))
        try:
            result = await run.next_item()
        finally:
            run.stop()
        assert result is not None
        return result

    def close(self) -> None:
        """End all runs, and answer their readers; no later run is taken."""
        with self._lock:
            self._closed = True
            runs = [*self._waiting, *([self._present] if self._present else [])]
        for run in runs:
            if not run.is_stopped:
                run.refuse(BusyError(_STOPPED))

    def ahead(self, run: LiveRun[Any]) -> int:
        """How many runs come before this one, the present one included; 0 once it is started."""
        if run.started:
            return 0
        with self._lock:
            waiting = [each for each in self._waiting if not each.is_stopped]
        return waiting.index(run) + 1 if run in waiting else 1

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                run = self._waiting.popleft()
                self._present = run
            if not run.is_stopped:
                run.make()
            with self._lock:
                self._present = None
                if self._newest.get(run.page) is run:
                    del self._newest[run.page]
