"""Lists of features: filtered by words and figures, sorted, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import numpy as np

from sparsetime.explorer.report_schema import Part
from sparsetime.explorer.run_contents import ShownDictionary
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import FeatureLine, FeaturePage

Sort: TypeAlias = Literal["telling", "dwell", "density", "peak", "documents", "feature"]


def features(
    opened: RunCache,
    key: str,
    *,
    words: str = "",
    part: Part = "",
    density: tuple[float, float] = (0.0, 1.0),
    dwell: tuple[float, float] = (0.0, float("inf")),
    starred: bool = False,
    sort: Sort = "telling",
    ascending: bool = False,
    offset: int = 0,
    limit: int = 50,
) -> FeaturePage:
    """The living features that fit all of the filters.

    words: text that each feature's label or one of its words must hold, several separated by
    spaces; part: those of a dictionary without parts are in either; density: least and most share
    of steps; dwell: least and most mean run in steps. `telling` is the order of `features.ranking`,
    the others after it by how often they fire.

    Errors: UnknownNameError for a dictionary that the run does not show.
    """
    shown = opened.dictionary(key)
    table = shown.table
    fit = (table.density > 0) & (table.density >= density[0]) & (table.density <= density[1])
    fit &= (table.dwell >= dwell[0]) & (table.dwell <= dwell[1])
    if part and len(table.groups) > 1:
        first = np.arange(len(fit)) < table.groups[0]
        fit &= first if part == "first" else ~first
    labels = {x.feature: x for x in opened.labels.all() if x.dictionary == key}
    if starred:
        fit &= np.isin(np.arange(len(fit)), [n for n, x in labels.items() if x.starred])
    chosen = np.flatnonzero(fit)
    if words.strip():
        wanted = words.lower().split()
        chosen = np.array(
            [
                f
                for f in chosen.tolist()
                if _holds(wanted, table.words[f], labels[f].name if f in labels else "")
            ],
            dtype=np.int64,
        )
    ordered = chosen[np.argsort(_rank(shown, sort, ascending)[chosen], kind="stable")]
    return FeaturePage(
        total=len(ordered), lines=lines(opened, key, ordered[offset : offset + limit].tolist())
    )


def lines(opened: RunCache, key: str, numbers: Iterable[int]) -> list[FeatureLine]:
    """The features of these numbers, in this order."""
    shown = opened.dictionary(key)
    table, rows = shown.table, shown.index.features
    half_life, documents = rows["half_life"], rows["documents"]
    found = []
    for number in numbers:
        label = opened.labels.of(key, number)
        found.append(
            FeatureLine(
                feature=number,
                part=table.part(number),
                label=label.name,
                starred=label.starred,
                words=list(table.words[number]),
                density=float(table.density[number]),
                dwell=float(table.dwell[number]),
                half_life=half_life[number].as_py(),
                peak=float(table.peak[number]),
                documents=documents[number].as_py(),
            )
        )
    return found


def _holds(wanted: list[str], words: Iterable[str], name: str) -> bool:
    text = " ".join([*words, name]).lower()
    return all(each in text for each in wanted)


def _rank(shown: ShownDictionary, sort: Sort, ascending: bool) -> np.ndarray:
    """A number for every feature; the smallest comes first."""
    from sparsetime.features.ranking import most_informative

    table = shown.table
    if sort == "telling":
        rank = -table.density + len(table.density)
        told = most_informative(shown.index.features, len(rank))
        rank[told] = np.arange(len(told))
        return np.asarray(-rank if ascending else rank)
    values = {
        "dwell": table.dwell,
        "density": table.density,
        "peak": table.peak,
        "documents": shown.index.features["documents"].to_numpy().astype(float),
        "feature": -np.arange(len(table.density), dtype=float),
    }[sort]
    return np.asarray(values if ascending else -values)
