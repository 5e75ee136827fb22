"""The sentence on every metric about its data: the split, and what of it training has seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

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


def data_sentence(store: Store, seen: float | None) -> str:
    """What a metric was measured on, such as "held out: subject s3 (…); not trained on"."""
    count = len(store.sequence_indices)
    data = store.note or f"{count:,} sequence{'' if count == 1 else 's'}"
    if seen is None:
        return f"{data}; whether they were trained on is not recorded"
    if seen == 0:
        return f"{data}; not trained on"
    share = f"{seen:.0%}" if seen >= 0.005 else "under 1%"
    return f"{data}; {share} of the steps were trained on, so this is no held-out number"
