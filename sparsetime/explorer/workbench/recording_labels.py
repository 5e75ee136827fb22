"""Labels of recordings: their values, and the firing rates of features in recordings of a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Bool, Float

from sparsetime.errors import ConfigError, unknown_name
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import FeatureLine

if TYPE_CHECKING:
    from sparsetime.explorer.run_contents import ShownDictionary

MOST_VALUES = 40  # of a label; one with more is no choice of conditions


class LabelValue(FrozenRecord):
    """A value of a label, and how many indexed recordings have it."""

    value: Text
    recordings: int


class RecordingLabel(FrozenRecord):
    """A label of recordings, by whose values lists are filtered and rates are split."""

    name: Text
    values: list[LabelValue]


def recording_labels(opened: RunCache, key: str) -> list[RecordingLabel]:
    """The labels of the indexed recordings that have 2 to 40 values.

    Errors: UnknownNameError for a dictionary that the run does not show.
    """
    return [
        RecordingLabel(
            name=name,
            values=[
                LabelValue(value=value, recordings=texts.count(value))
                for value in sorted({text for text in texts if text is not None})
            ],
        )
        for name, texts in opened.recording_labels(key).items()
    ]


def label_texts(shown: ShownDictionary) -> dict[str, list[str | None]]:
    """The text of each label with 2 to 40 values, for every indexed recording."""
    from sparsetime.features.indexed_view import indexed_view
    from sparsetime.features.labels.stored_label import sequence_labels

    labels = sequence_labels(indexed_view(shown.index, shown.store))
    texts = {
        name: [None if value is None else str(value) for value in values]
        for name, values in labels.items()
    }
    return {
        name: values for name, values in texts.items() if 1 < len({*values} - {None}) <= MOST_VALUES
    }


def with_value(opened: RunCache, key: str, condition: str) -> Bool[np.ndarray, " recordings"]:
    """Which indexed recordings have a condition `label:value`; all for an empty one.

    Errors: ConfigError for text without a colon; UnknownNameError for a label or value that no
    recording has.
    """
    if not condition:
        return np.ones(opened.dictionary(key).index.sequences.num_rows, dtype=bool)
    name, colon, value = condition.partition(":")
    if not colon:
        raise ConfigError(
            f"got the condition {condition!r}, expected label:value, such as speaker:anna"
        )
    labels = opened.recording_labels(key)
    if name not in labels:
        raise unknown_name("label of recordings", name, labels)
    if value not in labels[name]:
        raise unknown_name(f"value of {name}", value, {v for v in labels[name] if v is not None})
    return np.array([text == value for text in labels[name]], dtype=bool)


def rates_in(
    opened: RunCache, key: str, recordings: Bool[np.ndarray, " recordings"]
) -> dict[str, Float[np.ndarray, " width"]]:
    """Of every feature in some recordings: `density`, and `documents` that it is active in."""
    counts, lengths = opened.counts_by_recording(key)
    some = counts[recordings]
    steps = max(int(lengths[recordings].sum()), 1)
    return {
        "density": np.asarray(some.sum(axis=0), dtype=np.float64).reshape(-1) / steps,
        "documents": np.asarray((some > 0).sum(axis=0), dtype=np.float64).reshape(-1),
    }


@final
@dataclass(frozen=True)
class RecordingRates:
    """Rates of all features for a list: of the recordings with a condition, and by a label.

    counted: `rates_in` of the condition; empty without one. values, split: of the label, and the
    rate of every feature in the recordings of each; none without one.
    """

    counted: dict[str, Float[np.ndarray, " width"]]
    values: list[str]
    split: Float[np.ndarray, "values width"]

    @staticmethod
    def of(opened: RunCache, key: str, only: str, split: str) -> RecordingRates:
        """Errors: those of `with_value` and `split_rates`."""
        counted = rates_in(opened, key, with_value(opened, key, only)) if only else {}
        if not split:
            return RecordingRates(counted, [], np.zeros((0, opened.dictionary(key).index.width)))
        return RecordingRates(counted, *split_rates(opened, key, split))

    @property
    def listed(self) -> Bool[np.ndarray, " width"]:
        """The features that fire in the recordings with the condition; all without one."""
        if not self.counted:
            return np.ones(self.split.shape[1], dtype=bool)
        return self.counted["density"] > 0

    def applied(self, line: FeatureLine) -> FeatureLine:
        """The line with its rate in the recordings, and its rates by the label."""
        changes: dict[str, object] = {}
        if self.values:
            changes["split"] = tuple(self.split[:, line.feature].tolist())
        if self.counted:
            changes["density"] = float(self.counted["density"][line.feature])
            changes["documents"] = int(self.counted["documents"][line.feature])
        return line.model_copy(update=changes)


def split_rates(
    opened: RunCache, key: str, label: str
) -> tuple[list[str], Float[np.ndarray, "values width"]]:
    """The values of a label, and the firing rate of every feature over the steps of each.

    Errors: UnknownNameError for a label that no recording has.
    """
    labels = opened.recording_labels(key)
    if label not in labels:
        raise unknown_name("label of recordings", label, labels)
    texts = labels[label]
    values = sorted({text for text in texts if text is not None})
    rates = [
        rates_in(opened, key, np.array([text == value for text in texts]))["density"]
        for value in values
    ]
    return values, np.stack(rates)
