"""The sentence on every metric about its data: the split, and what of it training has seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from sparsetime.activations.store.provenance import data_sentence
from sparsetime.metrics.metric import MetricValue

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store

MEASURED_ON = "measured_on"


def measured_on(
    values: Mapping[str, MetricValue], store: Store, seen: float | None
) -> dict[str, MetricValue]:
    """The metrics, each with the sentence in its details. seen: share of steps trained on."""
    sentence = {MEASURED_ON: data_sentence(store, seen)}
    return {
        name: replace(value, details={**value.details, **sentence})
        for name, value in values.items()
    }
