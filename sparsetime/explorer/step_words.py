"""Times of steps as words, each written when it is read: a long sequence has a million of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final, overload

import numpy as np
from jaxtyping import Float

from sparsetime.time_text import times_text


@final
class TimeWords(Sequence[str]):
    """The times of steps as texts that tell neighbours apart.

    times: of the steps. start, step: of the clock of the rows.
    """

    def __init__(self, times: Float[np.ndarray, " steps"], start: float, step: float) -> None:
        self._times, self._start, self._step = times, start, step

    def __len__(self) -> int:
        return len(self._times)

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return times_text(self._times[at].tolist(), self._step, self._start)
        return times_text([float(self._times[at])], self._step, self._start)[0]


@final
class Gaps(Sequence[str]):
    """A space before each of `count` words."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        places = range(self._count)[
            at
        ]  # raises IndexError beyond the last, where an iteration ends
        return [" "] * len(places) if isinstance(places, range) else " "
