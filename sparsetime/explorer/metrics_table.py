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
from sparsetime.explorer.step_units import DOCUMENT
from sparsetime.features.index import DEFAULT_GROUP_NAMES

if TYPE_CHECKING:
    from sparsetime.explorer.step_units import DataWords, StepTime
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
    "slow_probe": "Slow probe: which {sequence}",
    "fast_probe": "Fast probe: kind of {step}",
    "fvu_rows": "Unexplained variance, mean of rows",
    "top_variance": "Variance of the furthest 1% of {step}s",
    "error_r2": "Error that is linear in the activation, R²",
    "error_norm_r2": "Norm of the error, linear, R²",
    "bits": "Bits a dimension, at equal distortion",
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
    words: Sequence[DataWords],
) -> list[ComparisonRow]:
    """A row for every single number that was measured, the best known first.

    `evaluations` are metrics by name, one mapping a dictionary; histograms have no row. words: of
    each dictionary's data; values in steps are shown as times where a step has one.
    """
    rows = []
    for name in _names(evaluations):
        cells = []
        for entry, evaluation, named in zip(entries, evaluations, words, strict=True):
            value = evaluation.get(name)
            groups = _of_parts(name, entry, evaluation)
            first, rest = [_cell(name, of, named.time, False) for of in groups] or ["", ""]
            cells.append(
                ComparisonCell(
                    text=_cell(name, value, named.time, True),
                    first=first,
                    rest=rest,
                    note=_note(value, named),
                )
            )
        meaning = next(evaluation[name] for evaluation in evaluations if name in evaluation)
        label = metric_label(name, words[0])
        rows.append(
            ComparisonRow(
                name=name,
                label=label,
                definition=words[0].timed(meaning.definition),
                cells=cells,
            )
        )
    return rows


def definitions(
    evaluations: Sequence[Mapping[str, MetricValue]], words: DataWords
) -> list[Definition]:
    """What every row of the comparison means, in the words of the evaluation."""
    lines = []
    for name in _names(evaluations):
        value = next(evaluation[name] for evaluation in evaluations if name in evaluation)
        lines.append(
            Definition(
                name=name,
                label=metric_label(name, words),
                definition=words.timed(value.definition),
                range=words.timed(value.range),
                source=value.source,
            )
        )
    return lines


def measured_on(
    entries: Sequence[DictionaryEntry],
    reports: Sequence[EvaluationReport | None],
    words: DataWords,
) -> list[str]:
    """Sentences on the evaluated sequences, and on the share of their steps used in training."""
    evaluated = [(e, r) for e, r in zip(entries, reports, strict=True) if r is not None]
    sentences = []
    if len({tuple(sorted((r.subject | {"dictionary": ""}).items())) for _, r in evaluated}) == 1:
        sentences.append(f"Measured on {measured_sequences(evaluated[0][1], words)}.")
    else:
        sentences += [
            f"{e.title} was measured on {measured_sequences(r, words)}." for e, r in evaluated
        ]
    for entry, report in evaluated:
        seen = report.about.get("seen_in_training")
        if seen:
            share = f"{seen:.0%}" if seen >= 0.005 else "Under 1%"
            sentences.append(
                f"{share} of these {words.step}s were also trained on by {entry.title}."
            )
    return sentences


def _of_parts(
    name: str, entry: DictionaryEntry, evaluation: Mapping[str, MetricValue]
) -> list[MetricValue | None]:
    """The metric of each group of latents, also from reports without names of groups."""
    return [
        evaluation.get(f"{name}/{group}", evaluation.get(f"{name}/{default_group}"))
        for group, default_group in zip(entry.parts or (), DEFAULT_GROUP_NAMES, strict=False)
    ]


def measured_sequences(report: EvaluationReport, words: DataWords) -> str:
    """The data of an evaluation: 12 held-out documents of 4,000 tokens.

    They are called held out where the dictionary was trained on none of them.
    """
    held_out = report.about.get("seen_in_training") == 0
    count, steps = report.about["sequences"], report.about["steps"]
    return sequences_of(count, steps, words, "held-out" if held_out else "")


def sequences_of(sequences: int, steps: int, words: DataWords, kind: str = "") -> str:
    """12 documents of 4,000 tokens together, or 3 recordings of 90 s (900 steps)."""
    return f"{words.sequences(sequences, kind)} of {words.lasting(steps)}"


def in_time(metric: MetricValue | None, time: StepTime | None) -> str:
    """A value in steps, cycles a step or per step in the unit of time: 1.5 s, 12 Hz, 30 per second.

    Empty for other values, and where a step has no duration.
    """
    from sparsetime.metrics.metric import CYCLES, PER_STEP, STEPS  # torch: the preview needs none

    if metric is None or time is None or not isinstance(metric.value, int | float):
        return ""
    text = {STEPS: time.lasting, CYCLES: time.frequency, PER_STEP: time.rate}.get(metric.unit)
    return text(float(metric.value)) if text and math.isfinite(metric.value) else ""


def _cell(name: str, metric: MetricValue | None, time: StepTime | None, beside: bool) -> str:
    """A value in the unit of time; beside: with the one in steps after it."""
    timed = in_time(metric, time)
    if metric is None or not timed:
        return shown_value(name, metric)
    return f"{timed} ({shown_value(name, metric)} {metric.unit})" if beside else timed


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


def metric_label(name: str, words: DataWords) -> str:
    """The name of a metric in words."""
    label = _LABELS.get(name, name.replace("_", " ").capitalize())
    return label.format(sequence=words.sequence, step=words.step)


def shown_value(name: str, value: MetricValue | None) -> str:
    """The value of a metric as text, of shares in percent."""
    if value is None or not isinstance(value.value, int | float):
        return "not given"
    number = float(value.value)
    if not math.isfinite(number):
        return "undefined"
    if name in _SHARES:
        return f"{number:.1%}"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def _note(metric: MetricValue | None, words: DataWords) -> str:
    details = dict(metric.details) if metric else {}
    if details.get("label") == DOCUMENT:  # the label that every sequence has
        details["label"] = words.sequence
    simple = (int, float, str)
    return "; ".join(
        f"{name.replace('_', ' ')}: {value:.3g}" if isinstance(value, float) else f"{name}: {value}"
        for name, value in details.items()
        if isinstance(value, simple) and not isinstance(value, bool)
    )
