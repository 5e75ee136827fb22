"""Beam search for the rule of at most 4 predicates with the largest balanced accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.explanations.rules.rule import MOST_PREDICATES, MOST_VALUES, Predicate, Rule
from sparsetime.explanations.rules.search_loops import best_predicates

if TYPE_CHECKING:
    from sparsetime.explanations.conditions.condition import Condition
    from sparsetime.explanations.conditions.step_conditions import StepConditions

BEAM = 6
SUPPORT = 4  # rows of a sample on which a predicate must hold
COST = 0.008  # of balanced accuracy, that a further predicate must gain
VALUE_COST = 0.006  # and a further value of one predicate


@final
@dataclass(frozen=True, eq=False)
class _Partial:
    """A rule under search: its clauses, what closed clauses and the open one cover, its score."""

    clauses: tuple[tuple[Predicate, ...], ...]
    closed: Bool[np.ndarray, " rows"]
    open: Bool[np.ndarray, " rows"]
    score: float

    @property
    def size(self) -> int:
        return sum(len(clause) for clause in self.clauses)


@final
class RuleSearch:
    """Search of rules over the conditions of a store; what does not depend on the rows is kept."""

    def __init__(self, conditions: StepConditions) -> None:
        self._conditions = conditions.conditions
        self._codes = conditions.codes
        self._sizes = np.array([one.size for one in self._conditions], dtype=np.int64)
        self._ordered = np.array([one.is_ordered for one in self._conditions], dtype=bool)
        self._least = np.array([int(one.background) for one in self._conditions], dtype=np.int64)

    def rule(
        self, rows: Int[np.ndarray, " sample"], positive: Bool[np.ndarray, " sample"]
    ) -> tuple[Rule, float] | None:
        """The rule for positive rows against the others, and its balanced accuracy on these rows.

            BA = (TP / P + TN / N) / 2,   searched for the largest BA - 0.008 * predicates

        Greedy with a beam of 6: each step adds a predicate to the last clause ("and") or begins a
        clause ("or"). None where a class has fewer than 4 rows or no predicate is above 1/2.
        """
        many = int(positive.sum())
        if min(many, len(positive) - many) < SUPPORT or not self._conditions:
            return None
        codes = np.ascontiguousarray(self._codes[:, rows])
        weight = np.where(positive, 0.5 / many, -0.5 / (len(positive) - many))
        nothing = np.zeros(len(rows), dtype=bool)
        beam = [_Partial((), nothing, nothing, 0.5)]
        best = beam[0]
        for _ in range(MOST_PREDICATES):
            grown = [one for state in beam for one in self._extensions(state, codes, weight)]
            grown.sort(key=lambda state: -state.score)
            beam = _distinct(grown)[:BEAM]
            if not beam:
                break
            if beam[0].score - COST * beam[0].size > best.score - COST * best.size:
                best = beam[0]
        return (Rule(best.clauses), best.score) if best.clauses else None

    def _extensions(
        self,
        state: _Partial,
        codes: Int[np.ndarray, "conditions sample"],
        weight: Float[np.ndarray, " sample"],
    ) -> list[_Partial]:
        """The best extension by "or" and by "and" for each condition; the best 6 of each kind."""
        covered = state.closed | state.open
        outside = 0.5 + weight[covered].sum()
        grown = self._by(~covered, codes, weight, outside, state, begins=True)
        if state.clauses:
            closed = 0.5 + weight[state.closed].sum()
            inner = state.open & ~state.closed
            grown += self._by(inner, codes, weight, closed, state, begins=False)
        return grown

    def _by(
        self,
        subset: Bool[np.ndarray, " sample"],
        codes: Int[np.ndarray, "conditions sample"],
        weight: Float[np.ndarray, " sample"],
        base: float,
        state: _Partial,
        begins: bool,
    ) -> list[_Partial]:
        sums, values, negated = best_predicates(
            *(codes, self._sizes, self._ordered, self._least, weight, subset),
            *(SUPPORT, VALUE_COST, MOST_VALUES),
        )
        grown = []
        for at in np.argsort(-sums, kind="stable")[:BEAM].tolist():
            if sums[at] <= 0 or base + sums[at] <= state.score + 1e-9:
                break
            condition, named = self._conditions[at], values[at]
            if condition.is_ordered:
                here = (codes[at] >= named[0]) & (codes[at] <= named[1])
            else:
                has = np.zeros(condition.size + 1, dtype=bool)
                has[named[named >= 0]] = True
                here = has[codes[at]]
            here = ~here if negated[at] else here
            predicate = _predicate(condition, named[named >= 0].tolist(), bool(negated[at]))
            if begins:
                clauses = (*state.clauses, (predicate,))
                closed, opened = state.closed | state.open, here & ~(state.closed | state.open)
            else:
                clauses = (*state.clauses[:-1], (*state.clauses[-1], predicate))
                closed, opened = state.closed, state.open & here
            grown.append(_Partial(clauses, closed, opened, float(base + sums[at])))
        return grown


def _distinct(states: list[_Partial]) -> list[_Partial]:
    """States that cover other rows, the first of equal ones."""
    seen: set[bytes] = set()
    kept = []
    for state in states:
        key = np.packbits(state.closed | state.open).tobytes()
        if key not in seen:
            seen.add(key)
            kept.append(state)
    return kept


def _predicate(condition: Condition, named: list[int], negated: bool) -> Predicate:
    if not condition.is_ordered:
        values = tuple(condition.values[value] for value in named)
        return Predicate(condition.name, values, negated=negated)
    ends = (-np.inf, *condition.cuts, np.inf)
    return Predicate(condition.name, None, float(ends[named[0]]), float(ends[named[1] + 1]))
