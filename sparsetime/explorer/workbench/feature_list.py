"""Lists of features: filtered by words and columns, sorted, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.explorer.records import Part
from sparsetime.explorer.run_contents import ShownDictionary
from sparsetime.explorer.workbench.feature_columns import (
    Ranges,
    added_values,
    numbers,
    searched_text,
    within,
)
from sparsetime.explorer.workbench.feature_names import names_of
from sparsetime.explorer.workbench.recording_labels import RecordingRates
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import FeatureLine, FeaturePage

#: The order by information about words and documents; "telling" is its name in 0.1.0.
INFORMATIVE = "informative"
SPLIT = "split"  # the order by the largest difference between the values of the split
_OLD_SORTS = {"telling": INFORMATIVE, "peak": "max"}


def features(
    opened: RunCache,
    key: str,
    *,
    words: str = "",
    part: Part = "",
    density: tuple[float, float] = (0.0, 1.0),
    dwell: tuple[float, float] = (0.0, float("inf")),
    ranges: Ranges | None = None,
    starred: bool = False,
    only: str = "",
    split: str = "",
    sort: str = INFORMATIVE,
    ascending: bool = False,
    offset: int = 0,
    limit: int = 50,
) -> FeaturePage:
    """The active features that fit all of the filters.

    words: text that a feature's name, its words or the text columns of its feature tables must
    hold, several separated by spaces. part: those of a dictionary without groups are in either.
    density: least and most share of steps. dwell: least and most mean run in steps. ranges: least
    and most value of any numeric column. only: a condition `label:value`; densities and numbers of
    recordings are then of the recordings with it, and features that are silent there are left out.
    split: a label, by whose values each line holds densities. sort: "informative" (see
    `features.ranking`; the other features follow by density), "split", by the range of those
    densities, or a numeric column, features without a value last.

    Errors: UnknownNameError for a dictionary that the run does not show, and for a column that is
    not there or has no order.
    """
    shown = opened.dictionary(key)
    table = shown.table
    rates = RecordingRates.of(opened, key, only, split)
    counted = dict(rates.counted)
    rate = counted.get("density", table.density)
    fit = (rate > 0) & (rate >= density[0]) & (rate <= density[1])
    fit &= (table.dwell >= dwell[0]) & (table.dwell <= dwell[1])
    fit &= within(shown, ranges or {})
    if part and len(table.groups) > 1:
        first = np.arange(len(fit)) < table.groups[0]
        fit &= first if part == "first" else ~first
    if starred:
        labels = [x for x in opened.labels.all() if x.dictionary == key and x.starred]
        fit &= np.isin(np.arange(len(fit)), [label.feature for label in labels])
    if words.strip():
        fit &= _holding(opened, key, words, np.flatnonzero(fit))
    chosen = np.flatnonzero(fit)
    counted["split"] = np.ptp(rates.split, axis=0) if split else np.zeros(len(rate))
    rank = _rank(shown, sort, ascending, counted)
    ordered = chosen[np.argsort(rank[chosen], kind="stable")][offset : offset + limit].tolist()
    page = [rates.applied(line) for line in lines(opened, key, ordered)]
    return FeaturePage(total=len(chosen), split_values=tuple(rates.values), lines=page)


def check_order(shown: ShownDictionary, names: Iterable[str]) -> None:
    """Errors: UnknownNameError for a name that features can be neither sorted nor filtered by."""
    for name in names:
        if _OLD_SORTS.get(name, name) not in (INFORMATIVE, SPLIT):
            numbers(shown, _OLD_SORTS.get(name, name))


def lines(opened: RunCache, key: str, features: Iterable[int]) -> list[FeatureLine]:
    """The features of these numbers, in this order."""
    shown = opened.dictionary(key)
    table, rows = shown.table, shown.index.features
    half_life, documents = rows["half_life"], rows["documents"]
    time = shown.words.time
    page = []
    for feature in features:
        label, half = opened.labels.of(key, feature), half_life[feature].as_py()
        dwell = float(table.dwell[feature])
        page.append(
            FeatureLine(
                feature=feature,
                part=table.part(feature),
                **names_of(opened, key, feature),
                starred=label.starred,
                density=float(table.density[feature]),
                dwell=dwell,
                dwell_time=dwell * time.step if time else None,
                half_life=half,
                half_life_time=half * time.step if time and half is not None else None,
                peak=float(table.peak[feature]),
                documents=documents[feature].as_py(),
                columns=added_values(shown, feature),
            )
        )
    return page


def _holding(
    opened: RunCache, key: str, words: str, candidates: Int[np.ndarray, " candidates"]
) -> Bool[np.ndarray, " width"]:
    """The candidates whose name, words and text columns hold all of the words."""
    shown = opened.dictionary(key)
    labels = {x.feature: x.name for x in opened.labels.all() if x.dictionary == key}
    query = words.lower().split()
    holds = np.zeros(shown.index.width, dtype=bool)
    for feature in candidates.tolist():
        names = [*shown.table.words[feature], labels.get(feature, "")]
        text = " ".join([*names, searched_text(shown, feature)]).lower()
        holds[feature] = all(word in text for word in query)
    return holds


def _rank(
    shown: ShownDictionary,
    sort: str,
    ascending: bool,
    counted: dict[str, Float[np.ndarray, " width"]],
) -> Float[np.ndarray, " width"]:
    """A number for every feature; the smallest comes first, features without a value last.

    counted: values of some recordings, which go before those of the index.
    """
    from sparsetime.features.ranking import most_informative

    table = shown.table
    sort = _OLD_SORTS.get(sort, sort)
    if sort == INFORMATIVE:
        rank = -table.density + len(table.density)
        best = most_informative(shown.index.features, len(rank))
        rank[best] = np.arange(len(best))
        return np.asarray(-rank if ascending else rank)
    values = counted[sort] if sort in counted else numbers(shown, sort)
    if sort == "feature":  # a list by number starts at 0 by default
        values = -values
    return np.where(np.isnan(values), np.inf, values if ascending else -values)
