"""Tables of explanations beside an index: all of them, and the best of each feature."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sparsetime.features.column_definition import ColumnDefinition

if TYPE_CHECKING:
    from sparsetime.features.detail_table import DetailTable
    from sparsetime.features.index import FeatureIndex

TABLE = "explanations"
CONTEXTS = "explanation_contexts"
_SOURCE = "sparsetime explain"
#: An explanation names a feature where its accuracy is at least so high,
LEAST_ACCURACY = 0.6
#: and so much above that of other features' explanations.
LEAST_LEAD = 0.05

_TEXTS = {
    "explainer": "what explained it: rules, or the name of a language model",
    "part": "part of the feature's course: active, onset, stay or end",
    "text": "the explanation in words",
    "short": "the explanation, shortened to a name",
    "rule": "the rule as JSON, a list of clauses of predicates; null for text alone",
}
#: Scores by name, with what they mean.
SCORES = {
    "chosen_accuracy": "balanced accuracy where it was chosen",
    "accuracy": "balanced accuracy (TP / P + TN / N) / 2 on held-out sequences",
    "swapped": "mean balanced accuracy of other features' explanations on the same steps",
    "sensitivity": "share of held-out active steps that it names",
    "rejects_random": "share of random silent steps that it does not name",
    "rejects_same_token": "share of silent steps with the token of an active one that it does not "
    "name; without tokens of silent steps near an active one",
    "rejects_nearest": "share of silent steps that it does not name, on which one of the nearest "
    "features is active",
    "timing": "F1 of predicted onsets within 2 steps, on held-out sequences; of the part onset",
    "timing_swapped": "the same of another feature's explanation",
    "duration": "rank correlation of predicted and own run lengths at matched onsets; of the part "
    "stay",
    "fuzzing": "balanced accuracy of telling right from wrong steps marked within examples",
    "intruder": "share of examples picked out correctly among four of the explained feature",
    "simulation": "correlation of simulated with own activation values",
    "surprisal": "AUROC of the fall in surprisal of active against silent examples",
    "embedding": "AUROC of the similarity of text and examples, active against silent",
}  # fmt: skip
_COUNTS = {
    "positives": "held-out active steps in the sample",
    "unanswered": "answers of a language model that were no answer, and count in no score",
}


def definitions() -> list[ColumnDefinition]:
    """The columns of the table of all explanations."""
    return [
        *(ColumnDefinition(name, "string", text, "", _SOURCE) for name, text in _TEXTS.items()),
        *(ColumnDefinition(name, "float64", text, "", _SOURCE) for name, text in SCORES.items()),
        *(ColumnDefinition(name, "int64", text, "", _SOURCE) for name, text in _COUNTS.items()),
    ]


def write_explanations(
    index: FeatureIndex,
    rows: Sequence[Mapping[str, Any]],
    by: str,
    about: Mapping[str, Any],
    features: Collection[int],
) -> DetailTable:
    """Add explanations to those beside the index, in place of earlier ones of `features` by `by`.

    rows: `feature`, `part`, `text` and whatever else of the columns is known. The best of each
    feature is written to the feature table of the same name, whose explanation names features that
    no person and no label named.
    """
    earlier = index.details(TABLE)
    kept: list[dict[str, Any]] = []
    abouts: dict[str, Any] = {}
    if earlier is not None:
        kept = _others(earlier, by, features)
        abouts = {name: one for name, one in earlier.about.items() if name != by}
    columns = [column.name for column in definitions()]
    whole = [*kept, *({"explainer": by, **row} for row in rows)]
    order = sorted(whole, key=lambda row: (row["feature"], row["explainer"]))
    table = {name: [row.get(name) for row in order] for name in ("feature", *columns)}
    written = index.add_details(TABLE, table, definitions(), {**abouts, by: dict(about)})
    index.add_table(TABLE, *_best(order, index.width))
    return written


_CONTEXT_COLUMNS = (
    ("explainer", "string", "what explained the feature"),
    ("outcome", "string", "right, missed (active, not named) or wrong (named, not active)"),
    ("sequence", "int32", "number of the sequence in the whole store"),
    ("position", "int32", "step of the sequence"),
    ("first", "int32", "first step of the context"),
    ("holds", "string", "for each step of the context, 1 where the explanation names it, else 0"),
)


def write_contexts(
    index: FeatureIndex, rows: Sequence[Mapping[str, Any]], by: str, features: Collection[int]
) -> None:
    """Write held-out steps on which explanations are right and wrong; see `write_explanations`.

    rows: `feature`, and the columns of the table but `explainer`.
    """
    earlier = index.details(CONTEXTS)
    whole = [] if earlier is None else _others(earlier, by, features)
    whole += [{"explainer": by, **row} for row in rows]
    order = sorted(whole, key=lambda row: (row["feature"], row["explainer"]))
    defined = [
        ColumnDefinition(name, kind, text, "", _SOURCE) for name, kind, text in _CONTEXT_COLUMNS
    ]
    names = ("feature", *(column.name for column in defined))
    table = {name: [row[name] for row in order] for name in names}
    index.add_details(CONTEXTS, table, defined, {})


def _others(earlier: DetailTable, by: str, features: Collection[int]) -> list[dict[str, Any]]:
    """Rows of other explainers, and of other features."""
    explained = set(features)
    return [
        row
        for row in earlier.table.to_pylist()
        if row["explainer"] != by or row["feature"] not in explained
    ]


def best_explanations(rows: Iterable[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """By feature its row of the part "active" with the largest held-out accuracy, the first of
    equal ones; features without a scored one are left out.
    """
    best: dict[int, Mapping[str, Any]] = {}
    for row in rows:
        feature, accuracy = row["feature"], _number(row.get("accuracy"))
        if row["part"] != "active" or not np.isfinite(accuracy):
            continue
        if feature not in best or accuracy > best[feature]["accuracy"]:
            best[feature] = row
    return best


def _best(
    rows: Sequence[Mapping[str, Any]], width: int
) -> tuple[dict[str, Any], list[ColumnDefinition]]:
    """One row a feature: its explanation with the largest held-out accuracy, and its scores."""
    best = best_explanations(rows)
    course: dict[int, dict[str, Any]] = {}
    for row in rows:
        feature = row["feature"]
        for name in ("timing", "duration"):
            if np.isfinite(_number(row.get(name))):
                course.setdefault(feature, {})[name] = row[name]
    columns: dict[str, Any] = {"feature": np.arange(width)}
    chosen = [best.get(feature) for feature in range(width)]
    columns["explanation"] = [
        (row.get("short") or row["text"]) if row and _names(row) else None for row in chosen
    ]
    for name in ("accuracy", "swapped"):
        columns[f"explanation_{name}"] = [
            _number(row.get(name)) if row else np.nan for row in chosen
        ]
    for name in ("timing", "duration"):
        columns[f"explanation_{name}"] = [
            _number(course.get(feature, {}).get(name)) for feature in range(width)
        ]
    rule = (
        f"explanation of the largest held-out balanced accuracy, where that is >= "
        f"{LEAST_ACCURACY:g} and at least {LEAST_LEAD:g} above that of other features' explanations"
    )
    defined = [ColumnDefinition("explanation", "string", rule, "", _SOURCE, "explanation")]
    defined += [
        ColumnDefinition(f"explanation_{name}", "float64", SCORES[name], "", _SOURCE)
        for name in ("accuracy", "swapped", "timing", "duration")
    ]
    return columns, defined


def _names(row: Mapping[str, Any]) -> bool:
    swapped = _number(row.get("swapped"))
    lead = row["accuracy"] - (0.5 if np.isnan(swapped) else swapped)
    return bool(row["accuracy"] >= LEAST_ACCURACY and lead >= LEAST_LEAD)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
