"""Tables of label associations: every feature with every label, and the best label of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.features.column_definition import ColumnDefinition
from sparsetime.features.detail_table import DetailTable
from sparsetime.features.labels.baselines import BaselineScore, Target
from sparsetime.features.labels.detectors import Detectors
from sparsetime.features.labels.label_column import LabelColumn

if TYPE_CHECKING:
    from sparsetime.features.index import FeatureIndex

SCORES = "label_scores"
LABELS = "labels"
_SOURCE = "sparsetime label"
#: A value names a feature where q and the precision on the scoring half are at least so good,
MOST_Q, LEAST_PRECISION = 0.05, 0.5
#: and the precision is at least this many times the value's share of all steps.
LEAST_LIFT = 2.0
_MOST_TUNING = 256  # values of a label whose tuning curve is kept

#: One label's column, the detectors of it, and the scores of each baseline by target.
Scored = tuple[LabelColumn, Detectors, Mapping[str, Mapping[Target, BaselineScore]]]

_NUMBERS = {
    "threshold": "least |activation value| that counts as a detection, chosen with the value",
    "precision": "share of detections that have the value, on recordings that chose nothing",
    "recall": "share of steps with the value that are detected, on recordings that chose nothing",
    "auroc": "area under the ROC curve of |activation value|, on recordings that chose nothing",
    "base": "share of all labelled steps that have the value",
    "null_auroc": "mean AUROC with the label exchanged among recordings and shifted in time",
    "null_sd": "standard deviation of that AUROC over the draws",
    "p": "one-sided p-value of the AUROC against that null, pooled over features",
    "q": "false-discovery rate over the features, by Benjamini-Hochberg",
}  # fmt: skip
_BASELINE = {
    "precision": "precision of the best single detector in {}, chosen for the same value",
    "recall": "recall of that detector",
    "auroc": "AUROC of that detector",
}


def write_label_tables(
    index: FeatureIndex,
    scored: Sequence[Scored],
    baselines: Sequence[str],
    about: Mapping[str, Any],
) -> DetailTable:
    """Write the table of all scores and the table of best labels; returns the first."""
    columns = {"feature": np.tile(np.arange(index.width), len(scored))} | {
        name: np.concatenate(parts) for name, parts in _scores(scored, baselines).items()
    }
    tuning = [row for column, detectors, _ in scored for row in _tuning(column, detectors)]
    kept = np.isfinite(columns["auroc"])
    order = np.flatnonzero(kept)[np.lexsort((-columns["phi"][kept], columns["feature"][kept]))]
    table = {name: values[order] for name, values in columns.items()}
    table["tuning"] = [tuning[row] for row in order]
    labels = [
        {
            "name": column.name,
            "values": list(column.values),
            "edges": None if column.edges is None else column.edges.tolist(),
        }
        for column, _, _ in scored
    ]
    definitions = _score_definitions(baselines)
    written = index.add_details(SCORES, table, definitions, {**about, "labels": labels})
    index.add_table(LABELS, *_best(table, index.width, baselines))
    return written


def _scores(scored: Sequence[Scored], baselines: Sequence[str]) -> dict[str, list[np.ndarray]]:
    """Every column of the table of scores, one array a label."""
    parts: dict[str, list[np.ndarray]] = {}
    for column, detectors, compared in scored:
        pairs = list(zip(detectors.low.tolist(), detectors.high.tolist(), strict=True))
        texts = {pair: column.value_text(*pair) for pair in set(pairs) if pair[0] >= 0}
        names = {pair: column.name_text(*pair) for pair in texts}
        here = {
            "label": np.full(len(pairs), column.name, dtype=object),
            "value": np.array([texts.get(pair) for pair in pairs], dtype=object),
            "name": np.array([names.get(pair) for pair in pairs], dtype=object),
            **{name: getattr(detectors, name) for name in ("low", "high", "phi", "steps")},
            **{name: getattr(detectors, name) for name in _NUMBERS},
        }
        for baseline in baselines:
            best = compared[baseline]
            for name in _BASELINE:
                here[f"{baseline}_{name}"] = np.array(
                    [getattr(best[pair], name) if pair in best else np.nan for pair in pairs]
                )
        for name, values in here.items():
            parts.setdefault(name, []).append(values)
    return parts


def _tuning(column: LabelColumn, detectors: Detectors) -> Sequence[Any]:
    if len(column.values) > _MOST_TUNING:
        return [None] * len(detectors.low)
    return list(detectors.tuning.astype(np.float64))


def _score_definitions(baselines: Sequence[str]) -> list[ColumnDefinition]:
    plain = [
        ("label", "string", "name of the label"),
        ("value", "string", "the value, or the range of a numeric label, that is detected"),
        ("name", "string", "the name that the value gives a feature"),
        ("low", "int32", "number of the value, or of the first bin of the range"),
        ("high", "int32", "number of the value, or of the last bin of the range"),
        ("phi", "float64", "correlation of detections with the value, on the choosing half"),
        ("steps", "int64", "labelled steps of the scoring half on which the feature is active"),
        *((name, "float64", text) for name, text in _NUMBERS.items()),
        *(
            (f"{baseline}_{name}", "float64", text.format(baseline))
            for baseline in baselines
            for name, text in _BASELINE.items()
        ),
        ("tuning", "list<float64>", "share of the steps with each value on which it is active"),
    ]
    return [ColumnDefinition(name, dtype, text, "", _SOURCE) for name, dtype, text in plain]


def _best(
    table: Mapping[str, Any], width: int, baselines: Sequence[str]
) -> tuple[dict[str, Any], list[ColumnDefinition]]:
    """One row a feature: its label with the largest phi on the choosing half, and its scores."""
    feature: Int[np.ndarray, " rows"] = table["feature"]
    first = np.searchsorted(feature, np.arange(width))
    has: Bool[np.ndarray, " width"] = np.zeros(width, dtype=bool)
    has[feature] = True
    at = first[has]
    precision: Float[np.ndarray, " named"] = table["precision"][at]
    names = table["name"][at]
    sure = (table["q"][at] <= MOST_Q) & (precision >= LEAST_PRECISION)
    sure &= precision >= LEAST_LIFT * table["base"][at]
    numbers = ["precision", "recall", "auroc", "q", "threshold"]
    numbers += [f"{baseline}_{name}" for baseline in baselines for name in _BASELINE]
    texts = {
        "label_name": np.where(sure, names, None),
        "label": table["label"][at],
        "label_value": table["value"][at],
    }
    columns: dict[str, Any] = {"feature": np.arange(width)}
    for name, values in texts.items():
        whole = np.full(width, None, dtype=object)
        whole[has] = values
        columns[name] = whole.tolist()
    for name in numbers:
        columns[f"label_{name}"] = np.full(width, np.nan)
        columns[f"label_{name}"][has] = table[name][at]
    rule = (
        f"name of the best label where its q <= {MOST_Q:g}, its precision >= {LEAST_PRECISION:g} "
        f"and at least {LEAST_LIFT:g} times the value's share of all steps"
    )
    definitions = [
        ColumnDefinition("label_name", "string", rule, "", _SOURCE, "name"),
        ColumnDefinition(
            "label", "string", "label with the largest phi on the choosing half", "", _SOURCE
        ),
        ColumnDefinition("label_value", "string", "value of that label", "", _SOURCE),
    ]
    of_score = {column.name: column.definition for column in _score_definitions(baselines)}
    definitions += [
        ColumnDefinition(f"label_{name}", "float64", of_score[name], "", _SOURCE)
        for name in numbers
    ]
    return columns, definitions
