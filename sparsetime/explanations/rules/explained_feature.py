"""Rules of one feature, for each part of its course, and their scores on held-out sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Bool, Int

from sparsetime.explanations.moments import KINDS, PARTS, Moments, Part
from sparsetime.explanations.rules.course import (
    Course,
    duration_correlation,
    own_course,
    predicted_course,
    timing_f1,
)
from sparsetime.explanations.rules.rule import Rule

if TYPE_CHECKING:
    from sparsetime.explanations.conditions.step_conditions import StepConditions
    from sparsetime.explanations.rules.search import RuleSearch

NAN = float("nan")


@final
@dataclass(frozen=True)
class ChosenRule:
    """A rule of a part of a feature, and its balanced accuracy where it was chosen."""

    rule: Rule
    accuracy: float


@final
@dataclass(frozen=True)
class RuleScore:
    """Scores of one rule on held-out sequences.

    accuracy: balanced, of own moments. swapped: mean of other features' rules on these moments.
    sensitivity: share of positive rows on which it holds. rejected: of each kind of silent steps in
    `KINDS`, the share on which it does not; NaN without any. positives: rows.
    """

    accuracy: float
    swapped: float
    sensitivity: float
    rejected: tuple[float, ...]
    positives: int


@final
@dataclass(frozen=True)
class CourseScore:
    """Agreement of the course that onset and stay rules predict with the feature's own.

    timing: F1 of onsets within 2 steps. timing_swapped: of another feature's rules. duration: rank
    correlation of the lengths of matched runs.
    """

    timing: float
    timing_swapped: float
    duration: float


def choose_rules(search: RuleSearch, moments: Moments, feature: int) -> dict[Part, ChosenRule]:
    """The rule of every part for which one is found, from moments that choose.

    "stay" and "end" draw from the same steps, with the classes exchanged.
    """
    chosen: dict[Part, ChosenRule] = {}
    for part in PARTS:
        sample = moments.sample(feature, part)
        found = search.rule(sample.rows, sample.positive)
        if found is not None:
            chosen[part] = ChosenRule(*found)
    return chosen


def score_rule(
    conditions: StepConditions,
    moments: Moments,
    feature: int,
    part: Part,
    rule: Rule,
    others: list[Rule],
) -> RuleScore | None:
    """Scores on moments that chose nothing; None where a class is empty there."""
    sample = moments.sample(feature, part)
    positive = sample.positive
    if not positive.any() or positive.all():
        return None
    held = rule.holds(conditions, sample.rows)
    swapped = [balanced_accuracy(one.holds(conditions, sample.rows), positive) for one in others]
    kinds = tuple(
        float((~held[sample.kind == kind]).mean())
        if part in ("active", "onset") and (sample.kind == kind).any()
        else NAN
        for kind in range(len(KINDS))
    )
    return RuleScore(
        balanced_accuracy(held, positive),
        float(np.mean(swapped)) if swapped else NAN,
        float(held[positive].mean()),
        kinds,
        int(positive.sum()),
    )


def balanced_accuracy(
    held: Bool[np.ndarray, " sample"], positive: Bool[np.ndarray, " sample"]
) -> float:
    """BA = (TP / P + TN / N) / 2. Both classes must occur."""
    return float((held[positive].mean() + (~held[~positive]).mean()) / 2)


@final
class CourseScorer:
    """Scores of predicted courses on the rows of held-out sequences."""

    def __init__(
        self,
        conditions: StepConditions,
        moments: Moments,
        scoring: Bool[np.ndarray, " rows"],
        sequence: Int[np.ndarray, " rows"],
    ) -> None:
        self._conditions, self._moments = conditions, moments
        self._scoring, self._sequence = scoring, sequence
        self._first = np.zeros(len(scoring), dtype=bool)
        self._first[conditions.begins[:-1][conditions.begins[:-1] < len(scoring)]] = True

    def score(
        self, feature: int, rules: Mapping[Part, ChosenRule], others: Mapping[Part, ChosenRule]
    ) -> CourseScore:
        """The scores of a feature's own rules; NaN without an onset rule."""
        if "onset" not in rules:
            return CourseScore(NAN, NAN, NAN)
        active = np.zeros(len(self._scoring), dtype=bool)
        active[self._moments.active(feature)] = True
        own = own_course(active, self._first)
        predicted = self._predicted(rules)
        swapped = NAN
        if "onset" in others:
            swapped = timing_f1(own, self._predicted(others), self._sequence)
        return CourseScore(
            timing_f1(own, predicted, self._sequence),
            swapped,
            duration_correlation(own, predicted, self._sequence),
        )

    def _predicted(self, rules: Mapping[Part, ChosenRule]) -> Course:
        """Without a stay rule every run lasts one step."""
        onset = rules["onset"].rule.holds(self._conditions)
        if "stay" in rules:
            stay = rules["stay"].rule.holds(self._conditions)
        else:
            stay = np.zeros(len(onset), dtype=bool)
        return predicted_course(onset, stay, self._first, self._scoring)
