"""Held-out steps on which a rule is right, misses the feature, or is wrong, with their contexts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

import numpy as np
from jaxtyping import Int

from sparsetime.explanations.moments import Sample, spread

if TYPE_CHECKING:
    from sparsetime.explanations.conditions.step_conditions import StepConditions
    from sparsetime.explanations.rules.rule import Rule

EACH = 4  # steps of each outcome
BEFORE, AFTER = 14, 9  # steps of context

Outcome = Literal["right", "missed", "wrong"]


@final
@dataclass(frozen=True)
class Context:
    """A step of a sequence and the steps about it.

    row: of the step. first: the first row of the context. holds: "1" where the rule holds and "0"
    elsewhere, a character a row.
    """

    outcome: Outcome
    row: int
    first: int
    holds: str


def contexts(rule: Rule, conditions: StepConditions, sample: Sample) -> Iterator[Context]:
    """At most 4 contexts of each outcome: active and named, active alone, named alone.

    Active steps of all activation values alike; none of silent steps where the rule does not hold.
    """
    held, positive = rule.holds(conditions, sample.rows), sample.positive
    outcomes: list[tuple[Outcome, Int[np.ndarray, " rows"]]] = [
        ("right", sample.rows[positive & held]),
        ("missed", sample.rows[positive & ~held]),
        ("wrong", np.unique(sample.rows[~positive & held])),
    ]
    begins = conditions.begins
    for outcome, rows in outcomes:
        for row in spread(rows, EACH).tolist():
            sequence = int(np.searchsorted(begins, row, side="right")) - 1
            first = max(int(begins[sequence]), row - BEFORE)
            stop = min(int(begins[sequence + 1]), row + AFTER + 1)
            around = rule.holds(conditions, np.arange(first, stop))
            yield Context(outcome, row, first, "".join("01"[int(here)] for here in around))
