"""ScoredStore: the scores of alarms and the drift of every recording of a store, from one pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float

from sparsetime.features.encoding import encode_store
from sparsetime.monitors.alarm import Alarm
from sparsetime.monitors.detection import ScoredRecording
from sparsetime.monitors.drift import DriftWindows, firings

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary


@final
@dataclass(frozen=True)
class ScoredStore:
    """recordings: by alarm. distances: of every whole window of drift within a recording."""

    recordings: dict[str, list[ScoredRecording]]
    distances: Float[np.ndarray, " windows"]

    @staticmethod
    def of(
        sae: Dictionary,
        store: Store,
        alarms: Mapping[str, Alarm],
        events: Mapping[str, str] | None,
        step: float,
        drift: tuple[Float[np.ndarray, " width"], int],
        progress: bool,
    ) -> ScoredStore:
        """Encode a store. drift: reference rates and steps of a window."""
        table = store.events
        kinds = np.array(table["trial_type"].to_pylist(), dtype=object)
        number, first, stop = (
            table[name].to_numpy() for name in ("sequence", "first_step", "stop_step")
        )
        windows = DriftWindows(*drift)
        recordings: dict[str, list[ScoredRecording]] = {name: [] for name in alarms}
        distances: list[float] = []
        for encoded in encode_store(sae, store, progress):
            windows.reset()
            distances += [distance for distance, _ in windows.feed(encoded.code)]
            for name, alarm in alarms.items():
                kind = (events or {}).get(name, name)
                own = (number == encoded.index) & (kinds == kind)
                scores = alarm.scores(encoded.code, step)
                recordings[name].append(ScoredRecording(scores, first[own], stop[own]))
        return ScoredStore(recordings, np.array(distances))


def reference_rates(sae: Dictionary, store: Store, progress: bool) -> Float[np.ndarray, " width"]:
    """The share of the steps of a store at which each feature is active."""
    total = np.zeros(sae.width, dtype=np.int64)
    steps = 0
    for encoded in encode_store(sae, store, progress):
        total += firings(encoded.code)
        steps += encoded.code.rows
    return total / max(steps, 1)
