"""Windows of a corpus in which given features are active together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from sparsetime.features.feature_events import FeatureEvents

#: A sequence, and the number of a window in it.
Window: TypeAlias = tuple[int, int]


class EnrichedEvents(NamedTuple):
    """A feature that is enriched in an example.

    nats: its log-likelihood ratio there. share: of the example's steps on which it is active.
    """

    events: FeatureEvents
    nats: float
    share: float


def similar_windows(features: Iterable[EnrichedEvents], size: int) -> list[tuple[Window, float]]:
    """Windows of `size` steps by their similarity to an example, the most similar first.

    With n_f the example's nats of feature f, and c_f the window's active steps over a quarter of
    those in the example, at most 1, the similarity of a window is sum_f n_f c_f / sum_f n_f.
    """
    scores: dict[Window, float] = {}
    total = 0.0
    for events, nats, share in features:
        total += nats
        needed = max(1.0, share * size / 4)
        pairs = np.stack([events.sequence, events.position // size])
        windows, steps = np.unique(pairs, axis=1, return_counts=True)
        for sequence, window, count in zip(*windows.tolist(), steps.tolist(), strict=True):
            key = (sequence, window)
            scores[key] = scores.get(key, 0.0) + nats * min(1.0, count / needed)
    return sorted(((key, score / total) for key, score in scores.items()), key=lambda x: -x[1])
