"""The page's numbers: the comparison table, its definitions, and the charts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sparsetime.explorer.page import (
    Chart,
    ComparisonCell,
    ComparisonRow,
    Curve,
    Definition,
    DictionaryEntry,
)
from sparsetime.explorer.score import FeatureTable

if TYPE_CHECKING:
    from sparsetime.evaluation.metric import Figure
    from sparsetime.features.index import FeatureIndex
    from sparsetime.files import Folder

_BINS = 28
_MOST_POINTS = 240
_HUES = ("plain", "violet", "green")
_LABELS = {
    "fvu": "Unexplained variance",
    "l0": "Active features a step",
    "l0_spread": "Spread of active features",
    "dead": "Never active",
    "dense": "Active on over a tenth",
    "smoothness": "Smoothness (lower is smoother)",
    "dwell": "Dwell, mean",
    "dwell_median": "Dwell, median",
    "dwell_over_runs": "Dwell over runs",
    "half_life": "Half-life, mean",
    "half_life_median": "Half-life, median",
    "half_life_censored": "Half-life past the lags",
    "flicker": "Switches a step",
    "flicker_share": "Share switched a step",
    "slow_probe": "Slow probe: which document",
    "fast_probe": "Fast probe: kind of token",
}
_SHARES = {
    "dead",
    "dense",
    "fast_probe",
    "flicker_share",
    "fvu",
    "half_life_censored",
    "slow_probe",
}


def entry(key: str, index: FeatureIndex) -> DictionaryEntry:
    """How the page names a dictionary and describes it in one line."""
    from sparsetime.dictionaries.recipes import recipes

    recipe = str(index.record["dictionary"])
    titles = {card.name: card.title for card in recipes()}
    has_parts = len(index.groups) > 1
    share = f", the first {index.groups[0]:,} of them high-level" if has_parts else ""
    active = index.record["entries"] / max(index.record["rows"], 1)
    return DictionaryEntry(
        key=key,
        title=titles.get(recipe, recipe),
        note=f"{index.width:,} features{share}; {active:.1f} active at a time",
        has_parts=has_parts,
    )


def read_evaluation(folder: Folder) -> Mapping[str, Figure]:
    """The figures in the folder of a dictionary; none where it was not evaluated."""
    from sparsetime.evaluation.report import RECORD, Report

    return Report.load(folder.url).figures if folder.exists(RECORD) else {}


def read_metrics(folder: Folder, name: str) -> list[dict[str, Any]]:
    """The lines of a metrics file, none where there is no file; a line cut short is left out."""
    if not folder.exists(name):
        return []
    found = []
    for line in folder.read_bytes(name).decode("utf-8", "replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [line for line in found if isinstance(line, dict)]


def charts(
    entries: Sequence[DictionaryEntry],
    metrics: Sequence[list[dict[str, Any]]],
    tables: Sequence[FeatureTable],
    unit: str,
    rows: int,
) -> list[Chart]:
    """Loss while training, how often features fire, how long they last."""
    return [
        _training_chart(entries, metrics),
        _density_chart(entries, tables, unit, rows),
        _dwell_chart(entries, tables, unit),
    ]


def _training_chart(
    entries: Sequence[DictionaryEntry], metrics: Sequence[list[dict[str, Any]]]
) -> Chart:
    fvu = all("fvu" in line for lines in metrics for line in lines[:1])
    name = "fvu" if fvu else "loss"
    curves = []
    for each, lines, hue in zip(entries, metrics, _dictionary_hues(entries), strict=True):
        points = [(line["rows"], line[name]) for line in lines if line.keys() >= {"rows", name}]
        points = points[:: math.ceil(len(points) / _MOST_POINTS) or 1]
        curves.append(
            Curve(label=each.title, hue=hue, x=[x for x, _ in points], y=[y for _, y in points])
        )
    said = "Share of the variance left unexplained" if fvu else "The loss that each one minimises"
    return Chart(
        title="Training",
        caption=f"{said}, by {'rows' if fvu else 'row'} seen.",
        x_label="rows seen",
        y_label="unexplained variance" if fvu else "loss",
        y_log=True,
        curves=[curve for curve in curves if curve.x],
    )


def _density_chart(
    entries: Sequence[DictionaryEntry], tables: Sequence[FeatureTable], unit: str, rows: int
) -> Chart:
    edges = np.geomspace(1 / max(rows, 2), 1, _BINS + 1)
    curves, silent = [], []
    for each, table, hue in zip(entries, tables, _dictionary_hues(entries), strict=True):
        alive = table.density[table.density > 0]
        curves.append(_histogram(each.title, hue, alive, edges))
        silent.append(f"{len(table.density) - len(alive):,} ({each.title})")
    return Chart(
        title="How often features fire",
        caption=f"Features by the share of {unit}s on which they are active. Never active: "
        f"{', '.join(silent)}.",
        x_label=f"share of {unit}s",
        y_label="features",
        x_log=True,
        steps=True,
        curves=curves,
    )


def _dwell_chart(
    entries: Sequence[DictionaryEntry], tables: Sequence[FeatureTable], unit: str
) -> Chart:
    longest = max((float(table.dwell.max()) for table in tables if len(table.dwell)), default=2.0)
    edges = np.geomspace(1, max(longest, 2.0) * 1.0001, _BINS + 1)
    curves = []
    for each, table, hue in zip(entries, tables, _dictionary_hues(entries), strict=True):
        alive = table.density > 0
        if not each.has_parts:
            curves.append(_histogram(each.title, hue, table.dwell[alive], edges, share=True))
            continue
        high = np.arange(len(alive)) < table.groups[0]
        for part, inside in (("high", high), ("low", ~high)):
            dwell = table.dwell[alive & inside]
            curves.append(_histogram(f"{each.title}, {part}", part, dwell, edges, share=True))
    return Chart(
        title="How long features last",
        caption=f"Percent of features by the mean length of their runs, in {unit}s.",
        x_label=f"mean dwell, {unit}s",
        y_label="percent of features",
        x_log=True,
        steps=True,
        curves=curves,
    )


def _histogram(
    label: str, hue: str, values: np.ndarray, edges: np.ndarray, share: bool = False
) -> Curve:
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0].astype(float)
    if share and len(values):
        counts *= 100 / len(values)
    return Curve(label=label, hue=hue, x=[float(e) for e in edges], y=[float(c) for c in counts])


def _dictionary_hues(entries: Sequence[DictionaryEntry]) -> list[str]:
    """Dictionaries with parts in ink, the others in their own hues."""
    hues, plain = [], 0
    for each in entries:
        hues.append("ink" if each.has_parts else _HUES[plain % len(_HUES)])
        plain += not each.has_parts
    return hues


def comparison(
    entries: Sequence[DictionaryEntry], evaluations: Sequence[Mapping[str, Figure]]
) -> list[ComparisonRow]:
    """A row for every single number that was measured, the best known first.

    `evaluations` are figures by name, one mapping a dictionary; histograms have no row.
    """
    rows = []
    for name in _names(evaluations):
        cells = []
        for each, found in zip(entries, evaluations, strict=True):
            parts = [f"{name}/high", f"{name}/low"] if each.has_parts else []
            high, low = [_shown(name, found.get(part)) for part in parts] or ["", ""]
            figure = found.get(name)
            cells.append(
                ComparisonCell(text=_shown(name, figure), high=high, low=low, note=_note(figure))
            )
        meaning = next(found[name] for found in evaluations if name in found)
        rows.append(
            ComparisonRow(name=name, label=_label(name), definition=meaning.definition, cells=cells)
        )
    return rows


def definitions(evaluations: Sequence[Mapping[str, Figure]]) -> list[Definition]:
    """What every row of the comparison means, in the words of the evaluation."""
    found = []
    for name in _names(evaluations):
        figure = next(figures[name] for figures in evaluations if name in figures)
        found.append(
            Definition(
                name=name,
                label=_label(name),
                definition=figure.definition,
                range=figure.range,
                source=figure.source,
            )
        )
    return found


def _names(evaluations: Sequence[Mapping[str, Figure]]) -> list[str]:
    """Names of the figures of whole dictionaries that are numbers, in the order of `_LABELS`."""
    order = list(_LABELS)
    names = {
        name: None
        for figures in evaluations
        for name, figure in figures.items()
        if "/" not in name and isinstance(figure.value, int | float)
    }
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _shown(name: str, figure: Figure | None) -> str:
    if figure is None or not isinstance(figure.value, int | float):
        return "not given"
    value = float(figure.value)
    if not math.isfinite(value):
        return "undefined"
    if name in _SHARES:
        return f"{value:.1%}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _note(figure: Figure | None) -> str:
    details = figure.details if figure else {}
    simple = (int, float, str)
    return "; ".join(
        f"{name.replace('_', ' ')}: {value:.3g}" if isinstance(value, float) else f"{name}: {value}"
        for name, value in details.items()
        if isinstance(value, simple) and not isinstance(value, bool)
    )
