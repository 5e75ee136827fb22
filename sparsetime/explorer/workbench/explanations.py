"""Explanations of features: rules, their scores, and steps on which they are right and wrong."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from sparsetime.explanations.explanation_tables import (
    CONTEXTS,
    SCORES,
    TABLE,
    best_explanations,
)
from sparsetime.explanations.rules.rule import Rule
from sparsetime.explorer.peak_percent import percent_of_peak
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.feature import check_feature
from sparsetime.explorer.workbench.feature_names import names_of
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import NamedFeature

MOST = 20_000  # features of a queue


class ExplanationScore(FrozenRecord):
    """A score by name, on sequences that chose nothing, and what it means."""

    name: Text
    value: float
    definition: Text


class Explanation(FrozenRecord):
    """One explanation of a part of a feature's course.

    clauses: of a rule, joined by "or", each of predicates joined by "and"; empty for a text alone.
    """

    explainer: Text
    part: Text
    text: Text
    clauses: list[list[Text]]
    accuracy: float | None
    swapped: float | None
    positives: int | None
    scores: list[ExplanationScore]


class ExplanationContext(FrozenRecord):
    """A held-out step and its context. strengths: percent of the feature's peak."""

    outcome: Literal["right", "missed", "wrong"]
    sequence: int
    position: int
    source: Text
    first: int
    words: list[Text]
    gaps: list[Text]
    strengths: list[int]
    holds: list[bool]
    is_text: bool


class ExplanationView(FrozenRecord):
    """All explanations of a feature; none without a table of explanations."""

    halves: Text
    explanations: list[Explanation]
    contexts: list[ExplanationContext]


class ExplainedFeature(NamedFeature):
    """A feature of the queue. short: its best explanation as a name."""

    short: Text
    accuracy: float
    swapped: float | None
    timing: float | None
    density: float


class ExplanationQueue(FrozenRecord):
    """The explained features of a dictionary, those whose explanation is poorest first."""

    total: int
    mean_accuracy: float | None
    mean_swapped: float | None
    lines: list[ExplainedFeature]


def explanations(opened: RunCache, key: str, number: int) -> ExplanationView:
    """The explanations of a feature, as `sparsetime explain` wrote them.

    Errors: UnknownNameError for a dictionary that the run does not show; ConfigError for a feature
    that does not exist; DamagedError for a table that is not what was written.
    """
    check_feature(opened, key, number)
    table = opened.dictionary(key).details.get(TABLE)
    if table is None:
        return ExplanationView(halves="", explanations=[], contexts=[])
    halves = next((one.get("halves", "") for one in table.about.values()), "")
    meanings = {column.name: column.definition for column in table.definitions}
    shown = opened.dictionary(key).details.get(CONTEXTS)
    return ExplanationView(
        halves=halves,
        explanations=[_explanation(row, meanings) for row in table.rows(number)],
        contexts=[_context(opened, key, number, row) for row in shown.rows(number)]
        if shown
        else [],
    )


def queue(opened: RunCache, key: str) -> ExplanationQueue:
    """The explained features of a dictionary. Errors: those of `explanations`."""
    shown = opened.dictionary(key)
    table = shown.details.get(TABLE)
    if table is None:
        return ExplanationQueue(total=0, mean_accuracy=None, mean_swapped=None, lines=[])
    stored = table.table.to_pylist()
    timing = {row["feature"]: row["timing"] for row in stored if row["timing"] is not None}
    rows = sorted(
        best_explanations(stored).values(), key=lambda row: (row["accuracy"], row["feature"])
    )
    swapped = [row["swapped"] for row in rows if row["swapped"] is not None]
    lines = [
        ExplainedFeature(
            feature=row["feature"],
            part=shown.table.part(row["feature"]),
            **names_of(opened, key, row["feature"]),
            short=row["short"] or row["text"],
            accuracy=row["accuracy"],
            swapped=row["swapped"],
            timing=timing.get(row["feature"]),
            density=float(shown.table.density[row["feature"]]),
        )
        for row in rows[:MOST]
    ]
    return ExplanationQueue(
        total=len(rows),
        mean_accuracy=float(np.mean([row["accuracy"] for row in rows])) if rows else None,
        mean_swapped=float(np.mean(swapped)) if swapped else None,
        lines=lines,
    )


def _explanation(row: dict[str, Any], meanings: dict[str, str]) -> Explanation:
    clauses = Rule.from_json(row["rule"]).clauses if row["rule"] else ()
    return Explanation(
        explainer=row["explainer"],
        part=row["part"],
        text=row["text"],
        clauses=[[predicate.text for predicate in clause] for clause in clauses],
        accuracy=row["accuracy"],
        swapped=row["swapped"],
        positives=row["positives"],
        scores=[
            ExplanationScore(name=name, value=row[name], definition=meanings[name])
            for name in SCORES
            if row.get(name) is not None
        ],
    )


def _context(opened: RunCache, key: str, number: int, row: dict[str, Any]) -> ExplanationContext:
    sequence, first, holds = row["sequence"], row["first"], row["holds"]
    words = opened.document(key, sequence)
    stop = first + len(holds)
    activation = opened.feature_events(key, number).activations(sequence, first, stop)
    peak = opened.dictionary(key).table.peak[number]
    return ExplanationContext(
        outcome=row["outcome"],
        sequence=sequence,
        position=row["position"],
        source=words.id,
        first=first,
        words=list(words.words[first:stop]),
        gaps=list(words.gaps[first:stop]),
        strengths=percent_of_peak(activation, peak).tolist(),
        holds=[here == "1" for here in holds],
        is_text=words.is_text,
    )
