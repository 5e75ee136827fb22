"""Table of metrics of all dictionaries, with their definitions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sparsetime.explorer.records import (
    ComparisonCell,
    ComparisonRow,
    Definition,
    DictionaryEntry,
)
from sparsetime.features.index import DEFAULT_GROUP_NAMES

if TYPE_CHECKING:
    from sparsetime.explorer.step_units import StepTime
    from sparsetime.metrics.evaluation_report import EvaluationReport
    from sparsetime.metrics.metric import MetricValue

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
    # Within sequences, but for evaluations of 0.1.0; the definition on file says which.
    "half_life": "Half-life, mean",
    "half_life_median": "Half-life, median",
    "half_life_censored": "Half-life past the lags",
    "between_share": "Variance between sequences",
    "flicker": "Switches a step",
    "flicker_share": "Share switched a step",
    "slow_probe": "Slow probe: which document",
    "fast_probe": "Fast probe: kind of token",
}
_SHARES = {
    "between_share",
    "dead",
    "dense",
    "fast_probe",
    "flicker_share",
    "fvu",
    "half_life_censored",
    "slow_probe",
}


def comparison(
    entries: Sequence[DictionaryEntry],
    evaluations: Sequence[Mapping[str, MetricValue]],
    durations: Sequence[StepTime | None],
) -> list[ComparisonRow]:
    """A row for every single number that was measured, the best known first.

    `evaluations` are metrics by name, one mapping a dictionary; histograms have no row. durations:
    how long a step lasts, for values in steps.
    """
    rows = []
    for name in _names(evaluations):
        cells = []
        for entry, evaluation, duration in zip(entries, evaluations, durations, strict=True):
            value = evaluation.get(name)
            lasts = duration_of(value, duration)
            first, rest = [_shown(name, of) for of in _of_parts(name, entry, evaluation)] or [
                "",
                "",
            ]
            cells.append(
                ComparisonCell(
                    text=_shown(name, value) + (f" ({lasts})" if lasts else ""),
                    first=first,
                    rest=rest,
                    note=_note(value),
                )
            )
        meaning = next(evaluation[name] for evaluation in evaluations if name in evaluation)
        rows.append(
            ComparisonRow(name=name, label=_label(name), definition=meaning.definition, cells=cells)
        )
    return rows


def definitions(evaluations: Sequence[Mapping[str, MetricValue]]) -> list[Definition]:
    """What every row of the comparison means, in the words of the evaluation."""
    lines = []
    for name in _names(evaluations):
        value = next(evaluation[name] for evaluation in evaluations if name in evaluation)
        lines.append(
            Definition(
                name=name,
                label=_label(name),
                definition=value.definition,
                range=value.range,
                source=value.source,
            )
        )
    return lines


def measured_on(
    entries: Sequence[DictionaryEntry], reports: Sequence[EvaluationReport | None], unit: str
) -> list[str]:
    """Sentences on the evaluated documents, and on the share of their steps used in training."""
    evaluated = [(e, r) for e, r in zip(entries, reports, strict=True) if r is not None]
    sentences = []
    if len({tuple(sorted((r.subject | {"dictionary": ""}).items())) for _, r in evaluated}) == 1:
        sentences.append(f"Measured on {measured_documents(evaluated[0][1], unit)}.")
    else:
        sentences += [
            f"{e.title} was measured on {measured_documents(r, unit)}." for e, r in evaluated
        ]
    for entry, report in evaluated:
        seen = report.about.get("seen_in_training")
        if seen:
            share = f"{seen:.0%}" if seen >= 0.005 else "Under 1%"
            sentences.append(f"{share} of these {unit}s were also trained on by {entry.title}.")
    return sentences


def _of_parts(
    name: str, entry: DictionaryEntry, evaluation: Mapping[str, MetricValue]
) -> list[MetricValue | None]:
    """The metric of each group of latents, also from reports without names of groups."""
    return [
        evaluation.get(f"{name}/{group}", evaluation.get(f"{name}/{default_group}"))
        for group, default_group in zip(entry.parts or (), DEFAULT_GROUP_NAMES, strict=False)
    ]


def measured_documents(report: EvaluationReport, unit: str) -> str:
    """The data of an evaluation: 12 held-out documents of 4,000 tokens.

    They are called held out where the dictionary was trained on none of them.
    """
    held_out = report.about.get("seen_in_training") == 0
    kind = "held-out document" if held_out else "document"
    return documents_of(report.about["sequences"], report.about["steps"], unit, kind)


def documents_of(documents: int, steps: int, unit: str, kind: str = "document") -> str:
    """12 documents of 4,000 tokens together."""
    return f"{documents:,} {kind}{'s' * (documents != 1)} of {steps:,} {unit}s"


def duration_of(figure: MetricValue | None, duration: StepTime | None) -> str:
    """A value in steps as a duration; empty for other values, and where a step has none."""
    from sparsetime.metrics.metric import STEPS  # torch, which the first picture does not need

    if figure is None or duration is None or figure.unit != STEPS:
        return ""
    finite = isinstance(figure.value, int | float) and math.isfinite(figure.value)
    return duration.lasting(float(figure.value)) if finite else ""  # type: ignore[arg-type]


def _names(evaluations: Sequence[Mapping[str, MetricValue]]) -> list[str]:
    """Names of the metrics of whole dictionaries that are numbers, in the order of `_LABELS`."""
    order = list(_LABELS)
    names = {
        name: None
        for evaluation in evaluations
        for name, value in evaluation.items()
        if "/" not in name and isinstance(value.value, int | float)
    }
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _shown(name: str, value: MetricValue | None) -> str:
    if value is None or not isinstance(value.value, int | float):
        return "not given"
    number = float(value.value)
    if not math.isfinite(number):
        return "undefined"
    if name in _SHARES:
        return f"{number:.1%}"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def _note(figure: MetricValue | None) -> str:
    details = figure.details if figure else {}
    simple = (int, float, str)
    return "; ".join(
        f"{name.replace('_', ' ')}: {value:.3g}" if isinstance(value, float) else f"{name}: {value}"
        for name, value in details.items()
        if isinstance(value, simple) and not isinstance(value, bool)
    )
