"""Making things ahead on a thread that never outlives whoever uses them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar, final

T = TypeVar("T")
_SECONDS_BETWEEN_LOOKS = 0.05


class StoppedError(Exception):
    """Leaves the making of something that nobody waits for any more."""


@final
class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


@final
class _Ended:
    pass


@final
class Ahead(Generic[T]):
    """The items of an iterator, made on a thread, at most one waiting while one is being made.

    `make` is called on the thread with a function that raises `StoppedError` once the consumer
    has gone: call it now and then. An error in the thread is raised in the consumer. The thread
    begins with the first item asked for, and has ended when iteration ends, fails or is closed.
    """

    def __init__(self, make: Callable[[Callable[[], None]], Iterator[T]], name: str) -> None:
        self._make = make
        self._name = name

    def __iter__(self) -> Iterator[T]:
        waiting: queue.Queue[T | _Failed | _Ended] = queue.Queue(maxsize=1)
        gone = threading.Event()

        def look() -> None:
            if gone.is_set():
                raise StoppedError

        def put(item: T | _Failed | _Ended) -> None:
            while True:
                look()
                try:
                    return waiting.put(item, timeout=_SECONDS_BETWEEN_LOOKS)
                except queue.Full:
                    continue

        def work() -> None:
            try:
                try:
                    for item in self._make(look):
                        put(item)
                    put(_Ended())
                except StoppedError:
                    raise
                except BaseException as error:
                    put(_Failed(error))
            except StoppedError:
                return

        thread = threading.Thread(target=work, name=self._name, daemon=True)
        thread.start()
        try:
            while True:
                item = waiting.get()
                if isinstance(item, _Failed):
                    raise item.error
                if isinstance(item, _Ended):
                    return
                yield item
        finally:
            gone.set()
            thread.join()
