"""Laws of distance: points that are made by one law are fitted by it."""

import numpy as np
import pytest
import torch

from sparsetime.errors import DataError
from sparsetime.metrics import distance_laws

YEARS = np.linspace(1500, 2040, 60)
EVEN = np.linspace(3, 6.3, 60)  # log(1 + distance from 2060)


def curve(angle):
    """Points on a half circle, whose similarity falls with the difference of their angles."""
    angle = np.pi * (angle - angle.min()) / np.ptp(angle)
    return torch.from_numpy(np.stack([np.cos(angle), np.sin(angle)], axis=1)).float()


@pytest.mark.parametrize(
    ("law", "years", "felt"),
    [("linear", YEARS, YEARS), ("log", 2060 - np.expm1(EVEN), EVEN)],
)
def test_the_law_that_made_the_points_wins(law, years, felt):
    found = distance_laws(curve(felt), years, reference=2060)
    assert found.winner == law
    assert found.r2[law] > 0.8 > found.r2["flat"]
    assert found.null < 0.2
    assert found.p < 0.05


def test_points_in_random_places_follow_none():
    order = np.argsort(np.sin(np.arange(60) * 1000.0))
    found = distance_laws(curve(YEARS)[torch.from_numpy(order)], YEARS, reference=2060)
    assert found.r2[found.winner] < 0.1
    assert found.p > 0.05
    with pytest.raises(DataError, match="got 7 points, expected at least 8"):
        distance_laws(curve(YEARS)[:7], YEARS[:7], 2060)
