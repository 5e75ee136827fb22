"""All active steps of one feature: run lengths, examples from every band of activation values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, Int

if TYPE_CHECKING:
    from sparsetime.features.index import FeatureIndex

_EVERY = 2**62


@final
@dataclass(frozen=True)
class FeatureEvents:
    """All active steps of one feature, the largest |activation value| first: [events]."""

    sequence: Int[np.ndarray, " events"]
    position: Int[np.ndarray, " events"]
    value: Float[np.ndarray, " events"]

    @property
    def time_order(self) -> Int[np.ndarray, " events"]:
        """The order by sequence, then position."""
        order: Int[np.ndarray, " events"] = np.lexsort((self.position, self.sequence))
        return order

    def of_sequences(self, sequences: Int[np.ndarray, " some"]) -> FeatureEvents:
        """The events of these sequences, in the same order."""
        kept = np.isin(self.sequence, sequences)
        return FeatureEvents(self.sequence[kept], self.position[kept], self.value[kept])

    def run_lengths(self) -> Int[np.ndarray, " runs"]:
        """Length in steps of every unbroken run of active steps, in order of time."""
        if not len(self.position):
            return np.zeros(0, dtype=np.int64)
        order = self.time_order
        sequence, position = self.sequence[order], self.position[order]
        breaks = (np.diff(sequence) != 0) | (np.diff(position) != 1)
        ends = np.append(np.flatnonzero(breaks), len(position) - 1)
        lengths: Int[np.ndarray, " runs"] = np.diff(np.append(-1, ends)).astype(np.int64)
        return lengths

    def sample_band(self, start: float, stop: float, n: int) -> Int[np.ndarray, " few"]:
        """Up to `n` events from a band of the ranking (0 the largest value, 1 the smallest).

        At the top (`start` 0) the largest come first; elsewhere they are spread evenly over the
        band. Each comes from another sequence as long as there are such.
        """
        count = len(self.value)
        band = np.arange(int(start * count), max(int(start * count), int(np.ceil(stop * count))))
        if start > 0 and len(band) > n:
            step = len(band) / n
            begins = (np.arange(n) * step + step / 2).astype(np.int64)
            band = np.concatenate([band[begins], np.delete(band, begins)])
        _, first = np.unique(self.sequence[band], return_index=True)
        distinct = band[np.sort(first)][:n]
        rest = band[~np.isin(band, distinct)][: n - len(distinct)]
        return np.sort(np.concatenate([distinct, rest]))

    def activations(self, sequence: int, first: int, stop: int) -> Float[np.ndarray, " steps"]:
        """|value| on the steps `first` to `stop` (exclusive) of a sequence, 0 where inactive."""
        dense = np.zeros(stop - first)
        here = (self.sequence == sequence) & (self.position >= first) & (self.position < stop)
        dense[self.position[here] - first] = np.abs(self.value[here])
        return dense


def feature_events(index: FeatureIndex, feature: int) -> FeatureEvents:
    """Every active step of a feature. Errors: ConfigError for one that does not exist."""
    events = index.examples(feature, _EVERY)
    return FeatureEvents(*(events[name].to_numpy() for name in ("sequence", "position", "value")))
