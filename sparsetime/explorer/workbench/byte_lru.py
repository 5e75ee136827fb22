"""Results that are asked for again, kept within a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, ParamSpec, TypeVar, final

Key = ParamSpec("Key")
Value = TypeVar("Value")


@final
class ByteLRU(Generic[Key, Value]):
    """A function whose latest results are kept while all of them weigh no more than `room` bytes.

    `weigh` returns the bytes of a result. A call for a result that another thread is computing
    waits for it, so that nothing is computed twice. A result larger than the room is not kept.
    """

    def __init__(
        self, make: Callable[Key, Value], weigh: Callable[[Value], int], room: int
    ) -> None:
        self._make, self._weigh, self._room = make, weigh, room
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self.weight = 0

    def __call__(self, *key: Key.args, **none: Key.kwargs) -> Value:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._kept:
                    return self._kept[key][0]
            try:
                value = self._make(*key, **none)
                self._keep(key, value)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return value

    def _keep(self, key: Hashable, value: Value) -> None:
        weight = self._weigh(value)
        if weight > self._room:
            return
        with self._lock:
            self._kept[key] = (value, weight)
            self.weight += weight
            while self.weight > self._room:
                _, (_, freed) = self._kept.popitem(last=False)
                self.weight -= freed
