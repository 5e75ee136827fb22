"""Association of features with the labels of a store, as a feature table that names features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from sparsetime.activations.store.stored_sequence import labels_of_steps
from sparsetime.features.association import contingency_table
from sparsetime.features.column_definition import ColumnDefinition
from sparsetime.features.contexts import find_sequence

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.features.index import FeatureIndex

LABELS = "labels"
_SOURCE = "labels of the store"
#: A value names a feature that makes up at least this share of its active steps,
LEAST_SHARE = 0.5
#: at least this many times its share of all steps,
LEAST_LIFT = 2.0
#: and at least this many steps in all.
LEAST_STEPS = 10
_MOST_VALUES = 1000
# Columns of every store, which label nothing.
_NO_LABELS = ("sequence", "position", "token", "char_start", "char_end", "document")

DEFINITIONS = (
    ColumnDefinition(
        "label_name", "string", "the label's value and name with the largest p log(p / q), where "
        "p >= 0.5, p / q >= 2 and the feature is active on 10 steps", "", _SOURCE, "name",
    ),
    ColumnDefinition(
        "label_share", "float64", "p: share of the feature's active steps that have the value", "",
        _SOURCE,
    ),
    ColumnDefinition(
        "label_lift", "float64", "p / q, with q the share of all labelled steps with the value", "",
        _SOURCE,
    ),
)  # fmt: skip


def add_label_table(index: FeatureIndex, store: Store) -> None:
    """Add the feature table "labels": for each feature the label value that it is active on most.

    Read are all step columns and sequence labels of the indexed sequences, up to 1,000 values
    each; labels with another value on every sequence are left out, since they are names of
    documents. With p the share of a feature's labelled active steps that have a value, and q the
    share of all labelled steps, the value with the largest p log(p / q) is chosen.

    Errors: DataError where `store` does not hold the indexed sequences.
    """
    best_score = np.zeros(index.width)
    share, lift = np.full(index.width, np.nan), np.full(index.width, np.nan)
    names: list[str | None] = [None] * index.width
    for label, values, of_entry, feature, of_step in _labels(index, store):
        counts = contingency_table(feature, of_entry, np.ones(len(feature)), len(values))
        steps = np.bincount(counts.feature, weights=counts.count, minlength=index.width)
        p = counts.count / steps[counts.feature]
        base = np.bincount(of_step, minlength=len(values)) / max(1, len(of_step))
        ratio = p / base[counts.kind]
        score = p * np.log(ratio)
        fits = (p >= LEAST_SHARE) & (ratio >= LEAST_LIFT) & (steps[counts.feature] >= LEAST_STEPS)
        for at in np.flatnonzero(fits & (score > best_score[counts.feature])).tolist():
            f = int(counts.feature[at])
            if score[at] > best_score[f]:
                best_score[f], share[f], lift[f] = score[at], p[at], ratio[at]
                names[f] = f"{values[counts.kind[at]]} ({label})"
    columns = {
        "feature": np.arange(index.width),
        "label_name": names,
        "label_share": share,
        "label_lift": lift,
    }
    index.add_table(LABELS, columns, DEFINITIONS)


def _labels(
    index: FeatureIndex, store: Store
) -> list[
    tuple[
        str,
        list[str],
        Int[np.ndarray, " entries"],
        Int[np.ndarray, " entries"],
        Int[np.ndarray, " steps"],
    ]
]:
    """Each label: its name, its values, the value and feature of every entry, that of every step.

    Steps without the label, and their entries, are left out.
    """
    labels: dict[str, list[list[Any]]] = {}
    position_of, feature_of = [], []
    numbers = index.sequences["sequence"].to_pylist()
    for at, number in enumerate(numbers):
        stored = find_sequence(store, number)
        for name in (*stored.steps.column_names, *stored.labels):
            if name not in _NO_LABELS:
                labels.setdefault(name, [[None] * index.length(n) for n in numbers])
                labels[name][at] = labels_of_steps(stored, name) or []
        position, feature, _ = index.entries(number)
        position_of.append(position.astype(np.int64))
        feature_of.append(feature.astype(np.int64))
    begins = np.cumsum([0, *(index.length(number) for number in numbers)])[:-1]
    row = np.concatenate([p + b for p, b in zip(position_of, begins, strict=True)])
    feature = np.concatenate(feature_of)
    associations = []
    for name, per_sequence in labels.items():
        texts = [None if v is None else str(v) for sequence in per_sequence for v in sequence]
        values = sorted({text for text in texts if text is not None})
        if len(values) > _MOST_VALUES or _names_documents(per_sequence, values):
            continue
        code = {value: number for number, value in enumerate(values)}
        of_step = np.array([-1 if text is None else code[text] for text in texts], dtype=np.int64)
        of_entry = of_step[row]
        labelled = of_entry >= 0
        associations.append(
            (name, values, of_entry[labelled], feature[labelled], of_step[of_step >= 0])
        )
    return associations


def _names_documents(per_sequence: list[list[Any]], values: list[str]) -> bool:
    """Whether a label has another value on every sequence, as an id or a title does."""
    firsts = [{str(value) for value in sequence} for sequence in per_sequence if sequence]
    return (
        len(firsts) > 1
        and all(len(labels) == 1 for labels in firsts)
        and len(values) == len(firsts)
    )
