"""Explanations by rules: search on one half of the sequences, scores from the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from sparsetime import seeds
from sparsetime.explanations.conditions.step_conditions import step_conditions
from sparsetime.explanations.moments import PARTS, Moments, Part
from sparsetime.explanations.nearest_features import nearest_features
from sparsetime.explanations.rules.contexts import Context, contexts
from sparsetime.explanations.rules.explained_feature import (
    ChosenRule,
    CourseScorer,
    choose_rules,
    score_rule,
)
from sparsetime.explanations.rules.search import RuleSearch
from sparsetime.features.feature_entries import feature_entries
from sparsetime.features.labels.halves import halves
from sparsetime.features.labels.stored_label import sequence_labels
from sparsetime.features.provenance import measured_on
from sparsetime.progress import progress as running

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.features.feature_entries import FeatureEntries
    from sparsetime.features.index import FeatureIndex

SWAPPED = 4  # other features whose rules are scored on a feature's moments


def explain_by_rules(
    index: FeatureIndex,
    view: Store,
    features: Int[np.ndarray, " some"],
    labels: Sequence[str] | None,
    moments: int,
    seed: int,
    progress: bool,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    """Rows for `write_explanations`, for `write_contexts`, and what is recorded about them.

    view: the indexed sequences, in order. Errors: those of `halves` and of `read_labels`.
    """
    halved = halves(view.segments.numpy_lengths, sequence_labels(view), seed, "rules")
    entries = feature_entries(index)
    conditions = step_conditions(view, halved.choosing, labels)
    nearest = nearest_features(index, entries)
    choosing = Moments(entries, conditions, halved.choosing, nearest, moments, seed)
    scoring = Moments(entries, conditions, halved.scoring, nearest, moments, seed)
    search = RuleSearch(conditions)
    rules: dict[int, dict[Part, ChosenRule]] = {}
    rows: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    with running("explain", 2.0 * len(features), "steps", progress) as bar:
        for feature in features.tolist():
            rules[feature] = choose_rules(search, choosing, feature)
            bar.advance()
        courses = CourseScorer(conditions, scoring, halved.scoring, entries.sequence_of_row)
        partners = _partners(features, seed)
        for feature in features.tolist():
            others = [rules[other] for other in partners[feature]]
            course = courses.score(feature, rules[feature], others[0] if others else {})
            for part in PARTS:
                if part not in rules[feature]:
                    continue
                chosen = rules[feature][part]
                swapped = [other[part].rule for other in others if part in other]
                score = score_rule(conditions, scoring, feature, part, chosen.rule, swapped)
                row = {
                    "feature": feature,
                    "part": part,
                    "text": chosen.rule.text,
                    "short": chosen.rule.short_text,
                    "rule": chosen.rule.to_json(),
                    "chosen_accuracy": chosen.accuracy,
                }
                if score is not None:
                    row |= {
                        "accuracy": score.accuracy,
                        "swapped": score.swapped,
                        "sensitivity": score.sensitivity,
                        "rejects_random": score.rejected[0],
                        "rejects_same_token": score.rejected[1],
                        "rejects_nearest": score.rejected[2],
                        "positives": score.positives,
                    }
                if part == "onset":
                    row |= {"timing": course.timing, "timing_swapped": course.timing_swapped}
                if part == "stay":
                    row["duration"] = course.duration
                rows.append(row)
            if "active" in rules[feature]:
                sample = scoring.sample(feature, "active")
                about_rule = contexts(rules[feature]["active"].rule, conditions, sample)
                shown += [{"feature": feature, **_place(one, entries)} for one in about_rule]
            bar.advance()
    about = {
        "halves": halved.text,
        "measured_on": measured_on(index, view),
        "moments": moments,
        "seed": seed,
        "conditions": [condition.name for condition in conditions.conditions],
    }
    return rows, shown, about


def _place(context: Context, entries: FeatureEntries) -> dict[str, Any]:
    """A context by its sequence and steps, as the table holds it."""
    place = int(np.searchsorted(entries.begins, context.row, side="right")) - 1
    begin = int(entries.begins[place])
    return {
        "outcome": context.outcome,
        "sequence": int(entries.numbers[place]),
        "position": context.row - begin,
        "first": context.first - begin,
        "holds": context.holds,
    }


def _partners(features: Int[np.ndarray, " some"], seed: int) -> dict[int, list[int]]:
    """For every feature others at random, whose rules are exchanged with its own."""
    rng = seeds.numpy_generator(seed, "exchanged explanations")
    order = rng.permutation(features)
    count = min(SWAPPED, len(order) - 1)
    shifted = [np.roll(order, 1 + turn) for turn in range(count)]
    return {
        int(feature): [int(turn[place]) for turn in shifted] for place, feature in enumerate(order)
    }
