"""Firing rates of a feature in recordings, by label, and comparisons of conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.feature import check_feature
from sparsetime.explorer.workbench.run_cache import RunCache

if TYPE_CHECKING:
    from sparsetime.explorer.run_contents import ShownDictionary

_MOST_SHOWN = 12  # values of a label
_MOST_RATES = 200  # recordings of a value
_COMPARISON = "compare-"  # how the names of their feature tables begin


class ConditionRates(FrozenRecord):
    """Recordings with one value: the share of each one's steps on which the feature is active."""

    value: Text
    recordings: int
    mean: float
    rates: list[float]  # of up to 200 recordings
    names: list[Text]


class ConditionSplit(FrozenRecord):
    """Rates of a feature by the values of one label."""

    label: Text
    values: list[ConditionRates]  # the first 12, in order of their names
    of_values: int  # how many the label has


class ConditionComparison(FrozenRecord):
    """A comparison that `sparsetime compare` wrote: its title, and this feature's statistics."""

    title: Text
    difference: float
    low: float | None
    high: float | None
    q: float | None


class Conditions(FrozenRecord):
    """Rates of a feature by every label of recordings, and the comparisons of conditions."""

    splits: list[ConditionSplit]
    comparisons: list[ConditionComparison]


def conditions(opened: RunCache, key: str, number: int) -> Conditions:
    """Rates of a feature in every recording, by label, and comparisons of conditions.

    Errors: UnknownNameError for a dictionary that the run does not show; ConfigError for a
    feature that does not exist.
    """
    check_feature(opened, key, number)
    shown = opened.dictionary(key)
    indexed = shown.index.sequences
    numbers, lengths = indexed["sequence"].to_numpy(), indexed["length"].to_numpy()
    places = np.searchsorted(numbers, opened.feature_events(key, number).sequence)
    rates = np.bincount(places, minlength=len(numbers)) / np.maximum(lengths, 1)
    names = indexed["id"].to_pylist()
    splits = []
    for label, texts in opened.recording_labels(key).items():
        values = sorted({text for text in texts if text is not None})
        shown_rates = [
            _rates(value, np.array([text == value for text in texts]), rates, names)
            for value in values[:_MOST_SHOWN]
        ]
        splits.append(ConditionSplit(label=label, values=shown_rates, of_values=len(values)))
    return Conditions(splits=splits, comparisons=_comparisons(shown, number))


def _rates(
    value: str,
    chosen: Bool[np.ndarray, " recordings"],
    rates: Float[np.ndarray, " recordings"],
    names: list[str],
) -> ConditionRates:
    places = np.flatnonzero(chosen)
    some = places[:_MOST_RATES]
    return ConditionRates(
        value=value,
        recordings=len(places),
        mean=float(rates[places].mean()),
        rates=rates[some].round(6).tolist(),
        names=[names[place] for place in some.tolist()],
    )


def _comparisons(shown: ShownDictionary, number: int) -> list[ConditionComparison]:
    comparisons = []
    for name, table in shown.tables.items():
        if not name.startswith(_COMPARISON):
            continue
        row: dict[str, Any] = table.table.slice(number, 1).to_pylist()[0]
        title = table.definitions[0].name.removesuffix(" rate a")
        columns = ("difference", "low", "high", "q")
        values = {column: row.get(f"{title} {column}") for column in columns}
        if values["difference"] is not None:
            comparisons.append(ConditionComparison(title=title, **values))
    return comparisons
