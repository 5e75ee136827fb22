"""Metrics of each group of sequences, such as those of one subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sparsetime.activations.store.provenance import fraction_seen
from sparsetime.activations.store.split import groups_of
from sparsetime.activations.store.store import Store
from sparsetime.metrics.compute_metrics import computed_metrics
from sparsetime.metrics.evaluation_data import EvaluationContext
from sparsetime.metrics.measured_on import measured_on
from sparsetime.metrics.metric import Metric, MetricValue


def check_label(store: Store, label: str) -> None:
    """Errors: UnknownNameError for a label that no sequence has; DataError where one lacks it."""
    groups_of(store, label)


def metrics_by_group(
    inputs: EvaluationContext, label: str, chosen: Sequence[Metric], show: bool
) -> dict[str, dict[str, MetricValue]]:
    """Every metric of the sequences with each value of a label, by value.

    A metric that the sequences of a group do not allow is missing there. Probes are of the whole
    store alone, since they are fitted on other groups than they are scored on.
    """
    own = groups_of(inputs.store, label)
    metrics = [metric for metric in chosen if not metric.is_fitted]
    result = {}
    for value in sorted(set(own), key=str):
        places = np.array([n for n, other in enumerate(own) if other == value])
        part = inputs.store.of_sequences(places, f"{label} {value}")
        values, _ = computed_metrics(replace(inputs, store=part), metrics, show)
        seen = fraction_seen(inputs.sae.provenance.get("trained_on"), part)
        result[str(value)] = measured_on(values, part, seen)
    return result
