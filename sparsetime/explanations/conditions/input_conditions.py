"""Conditions from the kept input of series: the value of each channel, and its change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from sparsetime.explanations.conditions.condition import Condition, number

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.activations.store.stored_input import StoredInput
    from sparsetime.activations.store.stored_sequence import StoredSequence

_CHANNELS = 16
_BINS = 12


def input_conditions(view: Store, choosing: Bool[np.ndarray, " rows"]) -> list[Condition]:
    """The mean of each channel over a step, and its change since the step before, in 12 bins.

    Of series of at most 16 channels whose input was kept; none for texts, frames and the like. Bins
    hold about equal shares of the choosing rows.
    """
    sequences = [view.sequence(place) for place in range(len(view.sequence_indices))]
    inputs = [stored.input for stored in sequences]
    if not all(_is_series(one) for one in inputs):
        return []
    channels = len(inputs[0].channels) if inputs and inputs[0] is not None else 0
    if not 1 <= channels <= _CHANNELS or any(
        len(one.channels) != channels for one in inputs if one
    ):
        return []
    pairs = zip(sequences, inputs, strict=True)
    levels = [_means(stored, one) for stored, one in pairs if one is not None]
    level = np.concatenate(levels)
    change = np.concatenate([np.diff(rows, axis=0, prepend=np.nan) for rows in levels])
    names = inputs[0].channels if inputs[0] is not None else ()
    found = []
    for channel, name in enumerate(names):
        for text, values in ((f"value of {name}", level), (f"change of {name}", change)):
            found.append(_binned(text, values[:, channel], choosing))
    return found


def _is_series(one: StoredInput | None) -> bool:
    return one is not None and one.is_kept and len(one.channels) > 0 and len(one.shape) == 2


def _means(stored: StoredSequence, kept: StoredInput) -> Float[np.ndarray, "time channels"]:
    values = np.asarray(kept.values(), dtype=np.float64)
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    edges = (np.stack([stored.times, stored.times + stored.durations]) - kept.start) / kept.step
    first, stop = np.clip(np.ceil(edges - 1e-9), 0, len(values)).astype(np.int64)
    stop = np.maximum(stop, first + 1).clip(max=len(values))
    count = np.maximum(stop - first, 1)[:, None]
    return np.asarray((total[stop] - total[first]) / count)


def _binned(
    name: str, values: Float[np.ndarray, " rows"], choosing: Bool[np.ndarray, " rows"]
) -> Condition:
    finite = values[choosing & np.isfinite(values)]
    shares = np.arange(1, _BINS) / _BINS
    cuts = np.unique(np.quantile(finite, shares).astype(np.float32)) if len(finite) else finite
    return number(name, values, tuple(cuts.tolist()))
