"""Computation of metrics from one pass over a store: the codes, and what else each metric reads."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sparsetime.codes import SparseCode, concatenate
from sparsetime.errors import DataError
from sparsetime.features.encoding import encode_store
from sparsetime.metrics.evaluation_data import EvaluationContext, EvaluationData, Gather
from sparsetime.metrics.evaluation_report import reason_left_out
from sparsetime.metrics.metric import Metric, MetricValue
from sparsetime.progress import progress as running
from sparsetime.statistics.estimate import Estimate, bootstrap_groups


def computed_metrics(
    inputs: EvaluationContext, chosen: list[Metric], show: bool
) -> tuple[dict[str, MetricValue], dict[str, str]]:
    """Values by full name, and the reasons of those that are left out."""
    kinds = dict.fromkeys(kind for metric in chosen for kind in metric.gathers)
    failed: dict[type[Gather], str] = {}
    gathered = _started(inputs, kinds, failed)
    codes = _codes(inputs, gathered, failed, show)
    lengths = [code.rows for code in codes]
    whole = concatenate(codes)
    values: dict[str, MetricValue] = {}
    left_out: dict[str, str] = {}
    with running("compute metrics", len(chosen), "metrics", show) as bar:
        data = [
            EvaluationData(inputs, group, group.of(whole), lengths, gathered)
            for group in inputs.groups
        ]
        for metric in chosen:
            bar.say(metric.name)
            reason = next((failed[kind] for kind in metric.gathers if kind in failed), None)
            for of_group in data:
                if reason is None:
                    _compute(metric, of_group, values, left_out)
                else:
                    left_out[of_group.group.metric_name(metric.name)] = reason
            bar.advance()
    return values, left_out


def _started(
    inputs: EvaluationContext, kinds: Iterable[type[Gather]], failed: dict[type[Gather], str]
) -> dict[type[Gather], Gather]:
    """The gatherers before the pass; the reason of each that cannot start is in `failed`."""
    gathered = {}
    for kind in kinds:
        try:
            gathered[kind] = kind(inputs)
        except Exception as error:
            failed[kind] = reason_left_out(kind.__name__, error)
    return gathered


def _codes(
    inputs: EvaluationContext,
    gathered: dict[type[Gather], Gather],
    failed: dict[type[Gather], str],
    show: bool,
) -> list[SparseCode]:
    """The code of every sequence; gatherers read each sequence on the way.

    One that fails is read no further, and loses its own metrics alone.
    """
    resampled_with = bootstrap_groups(inputs.sequences)
    codes: list[SparseCode] = []
    encoded = encode_store(inputs.sae, inputs.store, show, inputs.exclusion)
    for number, sequence in enumerate(encoded):
        for part in sequence.kept_parts():
            for kind, gatherer in gathered.items():
                if kind in failed:
                    continue
                try:
                    gatherer.update(part, int(resampled_with[number]))
                except Exception as error:
                    failed[kind] = reason_left_out(kind.__name__, error)
            codes.append(part.code)
    if not sum(code.rows for code in codes):
        raise DataError(
            f"no step of {inputs.store.path} is left with {inputs.exclusion}; leave out fewer steps"
        )
    return codes


def _compute(
    metric: Metric,
    data: EvaluationData,
    values: dict[str, MetricValue],
    left_out: dict[str, str],
) -> None:
    """Add the metric of one group of latents to the values, or its reason to `left_out`."""
    name = data.group.metric_name(metric.name)
    try:
        result = metric.compute(data)
    except Exception as error:  # no metric may lose the others' values
        left_out[name] = reason_left_out(name, error)
        return
    if isinstance(result, Estimate) and not math.isfinite(result.value):
        left_out[name] = "the value is undefined on this data"
        return
    values[name] = MetricValue.of(metric.spec, result)
