"""Windows that are like an example, on events whose similarity is known."""

from __future__ import annotations

import numpy as np
import pytest

from sparsetime.features.feature_events import FeatureEvents
from sparsetime.features.similar_windows import EnrichedEvents, similar_windows


def events(*steps):
    sequence, position = np.array(steps).reshape(-1, 2).T
    return FeatureEvents(sequence, position, np.ones(len(sequence)))


def test_windows_are_rated_by_the_nats_of_the_features_that_fire_in_them():
    rated = similar_windows(
        [
            EnrichedEvents(events((0, 0), (0, 1), (1, 9)), nats=3.0, share=0.5),
            EnrichedEvents(events((0, 3), (2, 16)), nats=1.0, share=0.1),
        ],
        size=16,
    )
    # Of the first feature 2 steps of 16 count whole, 1 counts half; of the second 1 step does.
    assert dict(rated) == {
        (0, 0): pytest.approx(1.0),
        (1, 0): pytest.approx(3 / 8),
        (2, 1): pytest.approx(1 / 4),
    }
    assert [window for window, _ in rated] == [(0, 0), (1, 0), (2, 1)]


def test_nothing_is_like_an_example_without_features():
    assert similar_windows([], 16) == []
