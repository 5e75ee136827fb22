"""Condition: one attribute of every step, as numbered values or as bins of a number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int, Real

FLAGS = ("False", "True")
_ENOUGH, _FEWEST = 8, 3  # sequences


@final
@dataclass(frozen=True, eq=False)
class Condition:
    """An attribute of the steps of a store, of which a predicate names a value or a range.

    name: such as "token", "token before", "kind" or "steps since (". values: the text of each
    value of a category; empty for a number. code: int32 [rows], the number of each row's value or
    bin, -1 without one. number: float32 [rows], NaN without one; None for a category. cuts: inner
    edges of the bins of a number, ascending: bin i holds cuts[i - 1] <= number < cuts[i].
    background: whether the first value is "no event", which no predicate names.
    """

    name: str
    code: Int[np.ndarray, " rows"]
    values: tuple[str, ...] = ()
    number: Float[np.ndarray, " rows"] | None = None
    cuts: tuple[float, ...] = ()
    background: bool = False

    @property
    def is_ordered(self) -> bool:
        """Whether predicates name ranges."""
        return self.number is not None

    @property
    def size(self) -> int:
        """Number of values, or of bins."""
        return len(self.cuts) + 1 if self.is_ordered else len(self.values)

    @cached_property
    def number_of(self) -> dict[str, int]:
        """The number of every value of a category."""
        return {value: number for number, value in enumerate(self.values)}

    def has_value(
        self, values: Iterable[str], rows: Int[np.ndarray, " some"] | slice
    ) -> Bool[np.ndarray, " some"]:
        """Whether some rows have one of these values. For categories only."""
        named = np.zeros(self.size + 1, dtype=bool)  # the last is that of rows without a value
        named[[self.number_of[value] for value in values if value in self.number_of]] = True
        return np.asarray(named[self.code[rows]])

    def between(
        self, low: float, high: float, rows: Int[np.ndarray, " some"] | slice
    ) -> Bool[np.ndarray, " some"]:
        """Whether low <= number < high on some rows. For numbers only."""
        assert self.number is not None
        values = self.number[rows]
        # The cuts of float32 numbers: their float64 texts must fall on the same side.
        return np.asarray((values >= np.float32(low)) & (values < np.float32(high)))


def category(
    name: str, code: Int[np.ndarray, " rows"], values: tuple[str, ...], background: bool = False
) -> Condition:
    """A condition with numbered values."""
    return Condition(name, code.astype(np.int32), values, background=background)


def number(name: str, values: Real[np.ndarray, " rows"], cuts: tuple[float, ...]) -> Condition:
    """A condition of a number, NaN where there is none, in bins between `cuts`."""
    values = values.astype(np.float32)
    code = np.searchsorted(np.asarray(cuts, dtype=np.float32), values, side="right")
    code = np.where(np.isnan(values), -1, code).astype(np.int32)
    return Condition(name, code, number=values, cuts=tuple(float(cut) for cut in cuts))


def before(
    condition: Condition, begins: Int[np.ndarray, " sequences_plus_1"], lag: int
) -> Condition:
    """A category some steps earlier in the same sequence; without a value at its first steps."""
    code = np.full(len(condition.code), -1, dtype=np.int32)
    code[lag:] = condition.code[: len(condition.code) - lag]
    for first in range(lag):
        at = begins[:-1] + first
        code[at[at < begins[1:]]] = -1
    words = "before" if lag == 1 else f"{lag} steps before"
    return Condition(f"{condition.name} {words}", code, condition.values)


def repeated(
    condition: Condition,
    choosing: Bool[np.ndarray, " rows"],
    begins: Int[np.ndarray, " sequences_plus_1"],
) -> Condition:
    """The condition without values that occur in fewer than 3 of the choosing sequences.

    A rule that names the value of one document says nothing of others. Of fewer than 8 choosing
    sequences every value stays.
    """
    sequence = np.repeat(np.arange(len(begins) - 1), np.diff(begins))
    counted = choosing & (condition.code >= 0)
    if condition.is_ordered or len(np.unique(sequence[choosing])) < _ENOUGH:
        return condition
    pairs = np.unique(condition.code[counted].astype(np.int64) * len(begins) + sequence[counted])
    often = np.bincount(pairs // len(begins), minlength=condition.size) >= _FEWEST
    kept = np.flatnonzero(often)
    place = np.full(condition.size + 1, -1, dtype=np.int32)
    place[kept] = np.arange(len(kept))
    return Condition(
        condition.name,
        place[condition.code],
        tuple(condition.values[value] for value in kept.tolist()),
        background=condition.background and bool(often[0]),
    )
