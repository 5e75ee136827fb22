"""Labels that a feature detects, with scores, baselines and tuning curves."""

from __future__ import annotations

from typing import Any

from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.feature import check_feature
from sparsetime.explorer.workbench.run_cache import RunCache

SCORES = "label_scores"
_SHOWN = 12


class BaselineScores(FrozenRecord):
    """Scores of the best detector of the same value in something else."""

    name: Text
    precision: float | None
    recall: float | None
    auroc: float | None


class TuningValue(FrozenRecord):
    """One value of a label, and the share of its steps on which the feature is active."""

    value: Text
    rate: float
    detected: bool  # whether it is among the values that the feature detects


class LabelScore(FrozenRecord):
    """A feature as a detector of one label, on recordings that chose nothing."""

    label: Text
    name: Text
    precision: float
    recall: float
    auroc: float
    null_auroc: float | None
    null_sd: float | None
    base: float
    threshold: float
    q: float | None
    baselines: list[BaselineScores]
    edges: list[float] | None  # of the bins of a numeric label
    tuning: list[TuningValue]  # of a category, those with the highest rates first


class LabelScores(FrozenRecord):
    """The labels that a feature detects, the best first; none without a table of scores."""

    halves: Text
    measured_on: Text = ""  # the data, and what of it training has seen; "" in older tables
    draws: int
    scores: list[LabelScore]  # the best 12
    of_scores: int  # how many labels it has a score for


def label_scores(opened: RunCache, key: str, number: int) -> LabelScores:
    """Scores of a feature for every label, as `sparsetime label` wrote them.

    Errors: UnknownNameError for a dictionary that the run does not show; ConfigError for a
    feature that does not exist; DamagedError for a table that is not what was written.
    """
    check_feature(opened, key, number)
    table = opened.dictionary(key).details.get(SCORES)
    if table is None:
        return LabelScores(halves="", draws=0, scores=[], of_scores=0)
    about = table.about
    labels = {label["name"]: label for label in about["labels"]}
    scored = [
        row
        for row in table.rows(number)
        if row["precision"] is not None and row["recall"] is not None
    ]
    return LabelScores(
        halves=about["halves"],
        measured_on=about.get("measured_on", ""),
        draws=about["draws"],
        scores=[_score(row, labels[row["label"]], about["baselines"]) for row in scored[:_SHOWN]],
        of_scores=len(scored),
    )


def _score(row: dict[str, Any], label: dict[str, Any], baselines: list[str]) -> LabelScore:
    rates = row["tuning"] or []
    tuning = [
        TuningValue(value=value, rate=rate, detected=row["low"] <= at <= row["high"])
        for at, (value, rate) in enumerate(zip(label["values"], rates, strict=False))
    ]
    if label["edges"] is None:
        tuning = sorted(tuning, key=lambda one: -one.rate)[:_SHOWN]
    numbers = ("precision", "recall", "auroc", "null_auroc", "null_sd", "base", "threshold", "q")
    return LabelScore(
        label=row["label"],
        name=row["name"],
        edges=label["edges"],
        tuning=tuning,
        baselines=[
            BaselineScores(
                name=name, **{n: row[f"{name}_{n}"] for n in ("precision", "recall", "auroc")}
            )
            for name in baselines
        ],
        **{name: row[name] for name in numbers},
    )
