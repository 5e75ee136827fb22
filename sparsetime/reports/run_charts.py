"""Charts of a run's report: training loss, density and dwell of features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sparsetime.explorer.records import PART_HUES, Curve, DictionaryEntry
from sparsetime.explorer.row_choice import FeatureTable
from sparsetime.explorer.step_units import DataWords
from sparsetime.reports.page_schema import Chart

_BINS = 28
_MOST_POINTS = 240
_HUES = ("plain", "violet", "green")


def charts(
    entries: Sequence[DictionaryEntry],
    metrics: Sequence[list[dict[str, Any]]],
    tables: Sequence[FeatureTable],
    words: DataWords,
    rows: int,
) -> list[Chart]:
    """Loss while training, how often features fire, how long they last.

    words: what a step is called, and how long it lasts. rows: steps of the largest store.
    """
    return [
        _training_chart(entries, metrics),
        _density_chart(entries, tables, words.step, rows),
        _dwell_chart(entries, tables, words),
    ]


def _training_chart(
    entries: Sequence[DictionaryEntry], metrics: Sequence[list[dict[str, Any]]]
) -> Chart:
    fvu = all("fvu" in line for lines in metrics for line in lines[:1])
    name = "fvu" if fvu else "loss"
    curves = []
    for entry, lines, hue in zip(entries, metrics, _dictionary_hues(entries), strict=True):
        points = [(line["rows"], line[name]) for line in lines if line.keys() >= {"rows", name}]
        points = points[:: math.ceil(len(points) / _MOST_POINTS) or 1]
        curves.append(
            Curve(label=entry.title, hue=hue, x=[x for x, _ in points], y=[y for _, y in points])
        )
    said = "Unexplained variance (FVU)" if fvu else "Training loss"
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
    for entry, table, hue in zip(entries, tables, _dictionary_hues(entries), strict=True):
        alive = table.density[table.density > 0]
        curves.append(_histogram(entry.title, hue, alive, edges))
        silent.append(f"{len(table.density) - len(alive):,} of {entry.title}")
    return Chart(
        title="Density of features",
        caption=f"Features by the share of the indexed {unit}s on which they are active. Never "
        f"active there: {', '.join(silent)}.",
        x_label=f"share of {unit}s",
        y_label="features",
        x_log=True,
        steps=True,
        curves=curves,
    )


def _dwell_chart(
    entries: Sequence[DictionaryEntry], tables: Sequence[FeatureTable], words: DataWords
) -> Chart:
    longest = max((float(table.dwell.max()) for table in tables if len(table.dwell)), default=2.0)
    lasts = words.length_of_step
    edges = np.geomspace(1, max(longest, 2.0) * 1.0001, _BINS + 1) * lasts
    curves, hues = [], (PART_HUES["first"], PART_HUES["rest"])
    for entry, table, entry_hue in zip(entries, tables, _dictionary_hues(entries), strict=True):
        alive = table.density > 0
        if entry.parts is None:
            curves.append(
                _histogram(entry.title, entry_hue, lasts * table.dwell[alive], edges, share=True)
            )
            continue
        first = np.arange(len(alive)) < table.groups[0]
        for part, hue, inside in zip(entry.parts, hues, (first, ~first), strict=True):
            dwell = lasts * table.dwell[alive & inside]
            curves.append(_histogram(f"{entry.title}, {part}", hue, dwell, edges, share=True))
    return Chart(
        title="Dwell of features",
        caption=f"Percent of features by the mean length of their runs, in {words.axis}.",
        x_label=f"mean dwell, {words.axis}",
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
    for entry in entries:
        hues.append("ink" if entry.parts else _HUES[plain % len(_HUES)])
        plain += not entry.parts
    return hues
