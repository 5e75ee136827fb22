"""Prefetching: items computed ahead in a background thread that ends with its consumer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar, final

T = TypeVar("T")
_SECONDS_BETWEEN_LOOKS = 0.05


@contextmanager
def prefetched(
    items: Iterator[T], depth: int = 2, name: str = "sparsetime-prefetch"
) -> Iterator[Iterator[T]]:
    """Iterate `items` in a thread; at most `depth` wait while one more is computed.

    Errors of `items` are raised in the consumer, at their place in the order. Leaving the `with`
    block waits for the item that is being computed, closes `items` where it is a generator, and
    ends the thread.
    """
    ready: queue.Queue[T | _Failed | _Ended] = queue.Queue(depth)
    left = threading.Event()

    def put(item: T | _Failed | _Ended) -> bool:
        while not left.is_set():
            try:
                ready.put(item, timeout=_SECONDS_BETWEEN_LOOKS)
                return True
            except queue.Full:
                continue
        return False

    def fill() -> None:
        try:
            for item in items:
                if not put(item):
                    break
            if isinstance(items, Generator):
                items.close()
            put(_Ended())
        except BaseException as error:  # raised again in the consumer
            put(_Failed(error))

    def drain() -> Iterator[T]:
        while not isinstance(item := ready.get(), _Ended):
            if isinstance(item, _Failed):
                raise item.error
            yield item

    thread = threading.Thread(target=fill, name=name, daemon=True)
    thread.start()
    try:
        yield drain()
    finally:
        left.set()
        thread.join()


@final
class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


@final
class _Ended:
    pass
