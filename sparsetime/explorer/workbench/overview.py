"""A run at a glance, and its training as it goes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sparsetime.errors import SparsetimeError
from sparsetime.explorer.metrics_table import (
    comparison,
    definitions,
    measured_on,
    measured_sequences,
    sequences_of,
)
from sparsetime.explorer.run_contents import DICTIONARY, ShownDictionary
from sparsetime.explorer.run_description import (
    aligned,
    distinct_stores,
    facts_of,
    lead_of,
    title_of,
)
from sparsetime.explorer.step_units import DataWords, words_of
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import (
    DictionaryView,
    Histogram,
    Overview,
    TrainingCurve,
)
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.files import Folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sparsetime.metrics.metric import MetricValue

CONFIG = "config.yaml"
_BINS = 40
_MOST_POINTS = 400


def overview(workbench: Workbench, opened: RunCache | None = None) -> Overview:
    """The first page: what the run holds, its dictionaries side by side, how they spread.

    opened: the run where it has been read already.
    """
    opened = opened or workbench.opened
    shown = list(opened.shown.values())
    folder = workbench.folder
    name = Path(folder.url.rstrip("/")).name
    config, notes = _config(folder)
    notes = [*opened.notes, *notes, *filter(None, [opened.labels.note])]
    if not shown:
        return Overview(
            run=name, title="Nothing to look into yet", unit="step", notes=notes, facts=[],
            lead="No dictionary of this run has an index so far; training is shown as it goes.",
            dictionaries=[], comparison=[], definitions=[], config=config,
        )  # fmt: skip
    stores = distinct_stores([dictionary.store for dictionary in shown])
    words = words_of(stores)
    entries = [dictionary.entry for dictionary in shown]
    evaluations: list[Mapping[str, MetricValue]] = [
        dictionary.evaluation or {} for dictionary in shown
    ]
    return Overview(
        run=name,
        title=title_of(stores),
        lead=lead_of(stores, len(shown), words),
        unit=words.step,
        step=words.time.step if words.time else None,
        time_unit=words.time.unit if words.time else "",
        sequence_name=words.sequence,
        notes=notes,
        facts=facts_of(stores, words),
        dictionaries=[_view(opened, dictionary, words) for dictionary in shown],
        comparison=comparison(
            entries, evaluations, [words_of([dictionary.store]) for dictionary in shown]
        ),
        comparison_notes=tuple(
            measured_on(entries, [dictionary.evaluation for dictionary in shown], words)
        ),
        definitions=definitions(evaluations, words),
        config=config,
        renderers=tuple(f"/renderers/{n}.js" for n in range(len(workbench.renderers))),
    )


def training(workbench: Workbench) -> list[TrainingCurve]:
    """The learning of every dictionary of the run, also of those still being trained."""
    from sparsetime.training.run_folder import metrics_lines

    curves = []
    for name in workbench.training:
        folder = workbench.folder / name
        try:
            lines = metrics_lines(folder.url).values
        except SparsetimeError:  # a note of the overview says why
            continue
        figure = "fvu" if lines and "fvu" in lines[0] else "loss"
        points = [(x["rows"], x[figure]) for x in lines if x.keys() >= {"rows", figure}]
        points = [(x, y) for x, y in points if _is_number(x) and _is_number(y)]
        if not points:
            continue
        thinned = points[:: -(-len(points) // _MOST_POINTS)]
        if thinned[-1] != points[-1]:
            thinned.append(points[-1])
        curves.append(
            TrainingCurve(
                label=name,
                hue="",
                x=[x for x, _ in thinned],
                y=[y for _, y in thinned],
                figure=figure,
                finished=folder.exists(DICTIONARY),
            )
        )
    return curves


def _config(folder: Folder) -> tuple[str, list[str]]:
    """The settings that a demo was run with, as text, and a note where it cannot be read."""
    if not folder.exists(CONFIG):
        return "", []
    try:
        return folder.read_text(CONFIG), []
    except SparsetimeError as error:
        return "", [f"The settings of the run are left out: {str(error).rstrip('.')}."]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _view(opened: RunCache, dictionary: ShownDictionary, words: DataWords) -> DictionaryView:
    table = dictionary.table
    alive = table.density > 0
    first = np.arange(len(alive)) < table.groups[0] if dictionary.entry.parts else None
    record = dictionary.index.record
    rows = max(record["rows"], 2)
    longest = max(2.0, float(table.dwell.max(initial=2.0))) * 1.0001
    evaluation: Mapping[str, MetricValue] = dictionary.evaluation or {}
    return DictionaryView(
        entry=dictionary.entry,
        width=dictionary.index.width,
        dead=int((~alive).sum()),
        active=record["entries"] / max(record["rows"], 1),
        indexed=sequences_of(dictionary.index.sequences.num_rows, record["rows"], words),
        measured_on=""
        if dictionary.evaluation is None
        else measured_sequences(dictionary.evaluation, words),
        figures={
            name: float(value.value)
            for name, value in evaluation.items()
            if isinstance(value.value, int | float) and math.isfinite(value.value)
        },
        density=_histogram(table.density, alive, first, np.geomspace(1 / rows, 1, _BINS + 1)),
        dwell=_histogram(table.dwell, alive, first, np.geomspace(1, longest, _BINS + 1)),
        aligned_with=[
            other.entry.key
            for other in opened.shown.values()
            if other is not dictionary and aligned(dictionary.store, other.store)
        ],
        opens_at=opened.opens_at(dictionary.entry.key),
    )


def _histogram(
    values: np.ndarray, alive: np.ndarray, first: np.ndarray | None, edges: np.ndarray
) -> Histogram:
    def counts(inside: np.ndarray) -> list[int]:
        clipped = np.clip(values[inside], edges[0], edges[-1])
        return [int(n) for n in np.histogram(clipped, edges)[0]]

    return Histogram(
        edges=[float(e) for e in edges],
        counts=counts(alive),
        first=None if first is None else counts(alive & first),
    )
