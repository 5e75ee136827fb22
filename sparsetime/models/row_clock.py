"""RowClock: which steps of a model's input each row of a site stands for."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Float, Int

#: What the rows of a site follow: steps of the input, whole sequences, or tokens of a decoder.
Follows = Literal["steps", "sequence", "decoder"]
CLS = "[CLS]"


@final
@dataclass(frozen=True)
class RowClock:
    """The rate of a site: where in the input the rows of one window lie.

    A window of n input steps gives `leading + P * T` rows, with

        T = floor((n - first) / step) + 1        times
        P = place_leading + product(grid)        rows at each time
        time t covers [offset + step t, offset + step (t + 1))    input steps

    step: input steps a time row, not always whole. first: the shortest input with a row. offset:
    (first - step) / 2 where padding is symmetric, so that the centre of a row is that of the inputs
    it reads. leading: rows before all others that no part of the input gives, such as [CLS].
    place_leading, grid: such rows at each time, as in an image model over frames, and places of a
    feature map, which are called `place`. multiple, fixed: lengths that the model takes, multiples
    of a number or one alone.
    """

    step: float = 1.0
    offset: float = 0.0
    first: float = 1.0
    leading: int = 0
    place_leading: int = 0
    grid: tuple[int, ...] = ()
    place: str = "place"
    multiple: int = 1
    fixed: int | None = None
    follows: Follows = "steps"

    @property
    def rows_a_time(self) -> int:
        """Rows that share a time."""
        return self.place_leading + math.prod(self.grid)

    @property
    def is_plain(self) -> bool:
        """Whether there is one row for every step of the input, and any length is taken."""
        return self == RowClock()

    @property
    def alignment(self) -> int:
        """Windows begin at multiples of this, so that rows of all windows lie on one lattice."""
        return int(self.step) if self.step >= 1 and self.step == int(self.step) else 1

    def times(self, length: int) -> int:
        """Number of distinct times in a window of `length` input steps."""
        if self.follows == "sequence":
            return 1
        return max(0, math.floor((length - self.first) / self.step + 1e-9) + 1)

    def rows(self, length: int) -> int:
        """Number of rows of a window of `length` input steps."""
        return self.leading + self.rows_a_time * self.times(length)

    def starts(self, length: int) -> Float[np.ndarray, " times"]:
        """Where each time begins, in input steps from the beginning of the window."""
        return self.offset + self.step * np.arange(self.times(length), dtype=np.float64)

    def model_length(self, length: int) -> int:
        """The input length that the model takes for `length` steps, which are padded to it."""
        if self.fixed is not None:
            return self.fixed
        return -(-length // self.multiple) * self.multiple

    def has_gaps(self, window: int | None, overlap: int) -> bool:
        """Whether rows are missing where windows meet, or lie on other lattices."""
        if window is None and self.fixed is None:
            return False
        lost = max(0.0, self.first - self.step)  # inputs at the edges that give no row
        whole = self.alignment == self.step or 1 / self.step == round(1 / self.step)
        return overlap < lost or not whole

    def place_names(self) -> list[str]:
        """The name of each row at one time; empty where there is one."""
        names = leading_names(self.place_leading)
        if len(self.grid) == 1:
            names += [f"{self.place} {i}" for i in range(self.grid[0])]
        elif len(self.grid) == 2:
            names += [f"y {y}, x {x}" for y in range(self.grid[0]) for x in range(self.grid[1])]
        elif self.grid:
            names += [", ".join(map(str, at)) for at in np.ndindex(*self.grid)]
        return names

    def place_positions(self) -> tuple[Int[np.ndarray, " rows"], Int[np.ndarray, " rows"]]:
        """Row and column on the feature map of each row at one time; -1 where it has none."""
        y = np.full(self.rows_a_time, -1, dtype=np.int32)
        x = np.full(self.rows_a_time, -1, dtype=np.int32)
        if self.grid and len(self.grid) <= 2:
            at = np.indices((1, *self.grid)[-2:], dtype=np.int32).reshape(2, -1)
            y[self.place_leading :], x[self.place_leading :] = at
        return y, x

    def summary(self) -> str:
        """The rate in words, for errors."""
        if self.follows != "steps":
            return "one row a sequence" if self.follows == "sequence" else "a row a decoder token"
        several = f"{self.rows_a_time} rows" if self.rows_a_time > 1 else "a row"
        steps = "step" if self.step == 1 else f"{self.step:g} steps"
        return f"{several} every {steps}"

    def to_record(self) -> dict[str, Any]:
        """The clock as JSON values."""
        return asdict(self) | {"grid": list(self.grid)}

    @staticmethod
    def of_record(record: dict[str, Any]) -> RowClock:
        """The clock that `to_record` wrote."""
        return RowClock(**(record | {"grid": tuple(record["grid"])}))


def leading_names(count: int) -> list[str]:
    """Names of rows that no part of the input gives: [CLS], and extra tokens behind it."""
    return [CLS, *(f"[extra {i}]" for i in range(1, count))][:count]
