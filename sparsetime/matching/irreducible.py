"""Irreducibility of a multi-dimensional feature: separability and mixture index of planes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from sparsetime.errors import DataError

FEWEST = 100  # points
_ANGLES, _BINS, _EPSILON = 60, 24, 0.1
_OFFSETS = 41


@final
@dataclass(frozen=True)
class Irreducibility:
    """separability: nats, least over rotations; near 0 where two independent features make it up.
    mixture: largest share of points near a line; near 1 where it is a mixture of lower dimension.
    """

    separability: float
    mixture: float


def irreducibility(points: Float[np.ndarray, "points dimensions"]) -> Irreducibility:
    """Test whether a set of points in a plane is one feature, such as a circle.

        separability = min over rotations R of I((R x)_1; (R x)_2)
        mixture = max over v, c of P(|v.x + c| < 0.1 sqrt(E (v.x + c)^2))

    Points are the projections of a cluster's reconstructions on their first two principal
    components, each scaled to a variance of one; mutual information is of 24 quantile bins, less
    that of exchanged points. High separability and a low mixture index: irreducible. Engels et al.
    2024, "Not All Language Model Features Are Linear", section 3.

    Errors: DataError for fewer than 100 points or fewer than two dimensions.
    """
    if points.ndim != 2 or len(points) < FEWEST or points.shape[1] < 2:
        raise DataError(
            f"got points of shape {points.shape}, expected at least {FEWEST} points of two or more "
            f"dimensions; give more rows on which the cluster is active"
        )
    plane = _plane(points)
    angles = np.arange(_ANGLES) * np.pi / 2 / _ANGLES
    information = []
    for angle in angles:
        turned = plane @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        information.append(_information(turned))
    directions = np.stack([np.cos(2 * angles), np.sin(2 * angles)])
    return Irreducibility(float(min(information)), _mixture(plane @ directions))


def _plane(points: Float[np.ndarray, "points dimensions"]) -> Float[np.ndarray, "points 2"]:
    centred = np.asarray(points, dtype=np.float64) - points.mean(0, dtype=np.float64)
    u, _, _ = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(u[:, :2] * np.sqrt(len(points)))


def _information(pair: Float[np.ndarray, "points 2"]) -> float:
    """Mutual information in nats, less its bias (Miller 1955): (B - 1)^2 / 2n."""
    count = len(pair)
    bins = int(min(_BINS, np.sqrt(count / 5)))
    place = [np.argsort(np.argsort(pair[:, axis])) * bins // count for axis in (0, 1)]
    joint = np.bincount(place[0] * bins + place[1], minlength=bins * bins) / count
    joint = joint.reshape(bins, bins)
    expected = np.outer(joint.sum(1), joint.sum(0))
    filled = joint > 0
    nats = float((joint[filled] * np.log(joint[filled] / expected[filled])).sum())
    return max(nats - (bins - 1) ** 2 / (2 * count), 0.0)


def _mixture(projected: Float[np.ndarray, "points angles"]) -> float:
    """The largest share of points near one offset, over all directions."""
    best = 0.0
    for axis in projected.T:
        for offset in np.linspace(axis.min(), axis.max(), _OFFSETS):
            moved = axis - offset
            near = np.abs(moved) < _EPSILON * np.sqrt(np.mean(moved**2))
            best = max(best, float(near.mean()))
    return best
