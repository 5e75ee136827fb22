"""Rule: a disjunction of conjunctions of predicates over conditions, which can be executed."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
from jaxtyping import Bool, Int

from sparsetime.errors import DamagedError, unknown_name
from sparsetime.explanations.conditions.condition import FLAGS
from sparsetime.explanations.conditions.text_conditions import SINCE

if TYPE_CHECKING:
    from sparsetime.explanations.conditions.condition import Condition
    from sparsetime.explanations.conditions.step_conditions import StepConditions

MOST_PREDICATES = 4
_SHORT = 3
MOST_VALUES = 6  # that one predicate names

#: Some rows: their numbers, or a slice.
Rows: TypeAlias = "Int[np.ndarray, ' some'] | slice"
ALL = slice(None)


@final
@dataclass(frozen=True)
class Predicate:
    """A statement about one condition: a value of a category, or a range of a number.

    on: the condition. values: of a category, one of which the step has, at most 6; None for a
    number, of which low <= number < high. negated: whether it holds where the statement does not.
    """

    on: str
    values: tuple[str, ...] | None = None
    low: float = -math.inf
    high: float = math.inf
    negated: bool = False

    def holds(self, condition: Condition, rows: Rows = ALL) -> Bool[np.ndarray, " some"]:
        """Whether it holds on some rows; nowhere for a value that the condition does not have."""
        if self.values is None:
            here = condition.between(self.low, self.high, rows)
        else:
            here = condition.has_value(self.values, rows)
        return ~here if self.negated else here

    @property
    def text(self) -> str:
        """The predicate in words, as on a chip."""
        if self.values is None:
            return self._range_text()
        if len(self.values) == 1 and self.values[0] in FLAGS:
            return self.on if (self.values[0] == "True") != self.negated else f"not {self.on}"
        return self._values_text(len(self.values))

    @property
    def short_text(self) -> str:
        """The predicate with at most 3 of its values."""
        if self.values is None or len(self.values) <= _SHORT:
            return self.text
        return f"{self._values_text(_SHORT)} / …"

    def _values_text(self, most: int) -> str:
        assert self.values is not None
        shown = " / ".join(value or "empty" for value in self.values[:most])
        return f"{self.on} {'is none of' if self.negated else 'is'} {shown}"

    def _range_text(self) -> str:
        no = "not " if self.negated else ""
        if self.on.startswith(SINCE):
            mark = self.on.removeprefix(SINCE)
            if self.low <= 1:
                last = f"{self.high - 1:g} steps" if self.high > 2 else "1 step"
                return f"{no}within {last} after {mark}"
            if math.isinf(self.high):
                return f"{no}{self.low:g} or more steps after {mark}"
            return f"{no}{self.low:g} to {self.high - 1:g} steps after {mark}"
        if math.isinf(self.low) and math.isinf(self.high):
            return f"{no}{self.on} is a number"
        if all(math.isinf(end) or end % 1 == 0.5 for end in (self.low, self.high)):
            return f"{no}{self._whole_text()}"
        if math.isinf(self.low):
            return f"{no}{self.on} < {self.high:.4g}"
        if math.isinf(self.high):
            return f"{no}{self.on} ≥ {self.low:.4g}"
        return f"{no}{self.on} from {self.low:.4g} to {self.high:.4g}"

    def _whole_text(self) -> str:
        """A range of whole numbers, whose bins end half-way between them."""
        first, last = self.low + 0.5, self.high - 0.5
        if math.isinf(first):
            return f"{self.on} ≤ {last:g}"
        if math.isinf(last):
            return f"{self.on} ≥ {first:g}"
        return f"{self.on} {first:g}" + ("" if first == last else f" to {last:g}")

    def to_config(self) -> dict[str, Any]:
        """The predicate as JSON values; infinite ends are left out."""
        config: dict[str, Any] = {"on": self.on}
        if self.values is not None:
            config["values"] = list(self.values)
        if not math.isinf(self.low):
            config["low"] = self.low
        if not math.isinf(self.high):
            config["high"] = self.high
        return config | ({"negated": True} if self.negated else {})


@final
@dataclass(frozen=True)
class Rule:
    """Clauses joined by "or", each of predicates joined by "and", at most 4 predicates in all.

    rule(t) = OR_c AND_(p in c) p(t)
    """

    clauses: tuple[tuple[Predicate, ...], ...]

    @property
    def predicates(self) -> int:
        """Number of predicates."""
        return sum(len(clause) for clause in self.clauses)

    @property
    def text(self) -> str:
        """The rule in words."""
        return " or ".join(" and ".join(one.text for one in clause) for clause in self.clauses)

    @property
    def short_text(self) -> str:
        """The rule as a name: its first two clauses, with at most 3 values a predicate."""
        clauses = [" and ".join(one.short_text for one in clause) for clause in self.clauses]
        return " or ".join([*clauses[:2], *(["…"] if len(clauses) > 2 else [])])

    def holds(self, conditions: StepConditions, rows: Rows = ALL) -> Bool[np.ndarray, " some"]:
        """Execute the rule: whether it holds on each of some rows, by default on all.

        Errors: UnknownNameError for a condition that the steps do not have.
        """
        any_clause = np.zeros(len(np.empty(int(conditions.begins[-1]), np.int8)[rows]), dtype=bool)
        for clause in self.clauses:
            every = np.ones(len(any_clause), dtype=bool)
            for predicate in clause:
                condition = conditions.condition(predicate.on)
                if condition is None:
                    raise unknown_name("condition of a rule", predicate.on, conditions.by_name)
                every &= predicate.holds(condition, rows)
            any_clause |= every
        return any_clause

    def to_json(self) -> str:
        """The rule as JSON: a list of clauses."""
        return json.dumps(
            [[one.to_config() for one in clause] for clause in self.clauses], ensure_ascii=False
        )

    @staticmethod
    def from_json(text: str) -> Rule:
        """The rule that `to_json` wrote. Errors: DamagedError for anything else."""
        try:
            clauses = tuple(
                tuple(_predicate(config) for config in clause) for clause in json.loads(text)
            )
        except (ValueError, TypeError) as error:
            raise DamagedError(
                f"got {text[:80]!r}, which is no rule: {error}; explain the index again"
            ) from error
        return Rule(clauses)


def _predicate(config: Any) -> Predicate:
    if not isinstance(config, dict):
        raise TypeError(f"got {config!r} as a predicate, expected an object")
    values = config.pop("values", None)
    return Predicate(values=None if values is None else tuple(values), **config)
