"""Metrics of all dictionaries with intervals and nulls, and the scores saved beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sparsetime.dictionaries.dictionary_hash import same_dictionary
from sparsetime.errors import DamagedError
from sparsetime.explorer.metrics_table import in_time, measured_on, metric_label, shown_value
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.step_units import DataWords, words_of
from sparsetime.explorer.workbench.index_records import index_records
from sparsetime.explorer.workbench.run_cache import RunCache

if TYPE_CHECKING:
    from sparsetime.metrics.evaluation_report import EvaluationReport

_AGAIN = "Save it again with sparsetime.metrics.save_scores"
_TITLES = {
    "error": "Error, linear and nonlinear",
    "description_length": "Description length",
    "persistence": "Persistence in time",
    "temporal": "Structure in time",
    "probes": "Probes of labels",
    "model": "In the model",
}


class ScoreCell(FrozenRecord):
    """One value of one dictionary. text: as it is shown; why there is none where it is left out."""

    text: Text
    value: float | None = None
    low: float | None = None
    high: float | None = None
    null: float | None = None


class ScoreRow(FrozenRecord):
    """One metric of all dictionaries, in their order; None where one has it not."""

    label: Text
    definition: Text = ""
    equation: Text = ""
    range: Text = ""
    source: Text = ""
    blind_to: Text = ""
    null_is: Text = ""
    cells: list[ScoreCell | None]


class ScoreSection(FrozenRecord):
    """The metrics of one family, or the scores that were saved under one name."""

    title: Text
    rows: list[ScoreRow]


class EvaluationView(FrozenRecord):
    """Scores of the dictionaries of a run. keys, titles: of these. notes: on the data."""

    keys: list[Text]
    titles: list[Text]
    sections: list[ScoreSection]
    notes: list[Text]


def evaluation(opened: RunCache) -> EvaluationView:
    """What `sparsetime evaluate` and `save_scores` measured, by family and by name.

    Scores of a dictionary that was trained again since are left out.

    Errors: DamagedError for a file of scores that cannot be read.
    """
    shown = list(opened.shown.values())
    words = words_of([one.store for one in shown]) if shown else None
    reports = [one.evaluation for one in shown]
    sections = [] if words is None else [*_families(reports, words), *_saved(opened)]
    entries = [one.entry for one in shown]
    return EvaluationView(
        keys=list(opened.shown),
        titles=[entry.title for entry in entries],
        sections=sections,
        notes=measured_on(entries, reports, words) if words and any(reports) else [],
    )


def _families(reports: list[EvaluationReport | None], words: DataWords) -> Iterator[ScoreSection]:
    from sparsetime.metrics.evaluate import FAMILIES  # torch: the preview needs none

    for family, metrics in FAMILIES.items():
        rows = [
            _row(metric.name, reports, words)
            for metric in metrics
            if any(report is not None and _is_number(report, metric.name) for report in reports)
        ]
        if rows:
            title = _TITLES.get(family, family.replace("_", " ").capitalize())
            yield ScoreSection(title=title, rows=rows)


def _is_number(report: EvaluationReport, name: str) -> bool:
    return name in report and isinstance(report[name].value, int | float)


def _row(name: str, reports: list[EvaluationReport | None], words: DataWords) -> ScoreRow:
    one = next(report[name] for report in reports if report is not None and name in report)
    return ScoreRow(
        label=metric_label(name, words),
        definition=words.timed(one.definition),
        equation=one.equation,
        range=words.timed(one.range),
        source=one.source,
        blind_to=one.blind_to,
        null_is=str(one.details.get("null_is") or ""),
        cells=[_cell(name, report, words) for report in reports],
    )


def _cell(name: str, report: EvaluationReport | None, words: DataWords) -> ScoreCell | None:
    if report is None:
        return None
    if name not in report:
        reason = report.left_out.get(name)
        return None if reason is None else ScoreCell(text=f"left out: {reason}")
    found = report[name]
    low, high = found.details.get("interval") or (None, None)
    shown = shown_value(name, found) + (f" {found.unit}" if found.unit else "")
    timed = in_time(found, words.time)
    text = f"{timed} ({shown})" if timed else shown
    return ScoreCell(
        text=text, value=_finite(found.value), low=_finite(low), high=_finite(high),
        null=_finite(found.details.get("null")),
    )  # fmt: skip


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _saved(opened: RunCache) -> list[ScoreSection]:
    from sparsetime.metrics.saved_scores import FOLDER, VERSION  # torch: the preview needs none

    # By the name of the section, then of the score: the cell of every dictionary, and its null.
    found: dict[str, dict[str, dict[str, tuple[ScoreCell, str]]]] = {}
    for key in opened.shown:
        for where, record in index_records(opened, key, FOLDER, VERSION, _AGAIN):
            try:
                if not same_dictionary(record["dictionary"], opened.labels.weights[key]):
                    continue
                section = found.setdefault(record["name"], {})
                for one in record["scores"]:
                    section.setdefault(one["name"], {})[key] = _score(one), one["null_is"]
            except (LookupError, TypeError, AttributeError, ValueError) as error:
                raise DamagedError(
                    f"{where} does not hold scores of this index: {error!r}. {_AGAIN}"
                ) from error
    return [
        ScoreSection(
            title=_upper(title),
            rows=[
                ScoreRow(
                    label=_upper(label),
                    null_is=next(null_is for _, null_is in by_key.values()),
                    cells=[by_key[key][0] if key in by_key else None for key in opened.shown],
                )
                for label, by_key in section.items()
            ],
        )
        for title, section in found.items()
    ]


def _score(one: Mapping[str, Any]) -> ScoreCell:
    low, high = one["interval"] or (None, None)
    value = one["value"]
    text = "undefined" if value is None else f"{value:.3g}"
    return ScoreCell(text=text, value=value, low=low, high=high, null=one["null"])


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
