"""Laws of similarity over positions: by what distance the similarity of two points falls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.errors import DataError

SHUFFLES = 50


@final
@dataclass(frozen=True)
class DistanceLaws:
    """Fit of the similarities of pairs by laws of their positions.

    r2: by law ("log", "linear", "flat") the R2 on pairs of held-out points. winner: the law of
    largest R2. null: the largest R2 of any law with the positions shuffled, mean over shuffles; p:
    the share of shuffles that reach the winner's R2.
    """

    r2: Mapping[str, float]
    winner: str
    null: float
    p: float


def distance_laws(
    x: Float[Tensor, "points d"],
    positions: Float[np.ndarray, " points"],
    reference: float,
    seed: int = 0,
) -> DistanceLaws:
    """Fit cosine similarities of pairs of points, such as years, by three laws of their distance.

        s_ab = alpha - beta D_ab
        log:     D_ab = |log(1 + |p_a - r|) - log(1 + |p_b - r|)|
        linear:  D_ab = |p_a - p_b|
        flat:    beta = 0

    s_ab: cosine of x_a - mean(x) and x_b - mean(x). p: positions; r: the reference, from which
    distance is felt. Both coefficients are fitted on pairs of one half of the points, drawn at
    random, and R2 is of pairs of the other half, against their mean; so the flat law is about 0.
    In the null, positions are shuffled over points: 50 times.

    Source: Li et al. 2025, The other mind: how language models exhibit human temporal cognition,
    arXiv:2507.15851, with the Weber-Fechner law as its log law.

    Errors: DataError for fewer than 8 points, or rows that are all alike.
    """
    if len(x) < 8:
        raise DataError(f"got {len(x)} points, expected at least 8; half of them are held out")
    centred = (x - x.mean(0)).double().numpy()
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    if not length.all():
        raise DataError("got points without a direction from their mean, expected different ones")
    similarity = (centred / length) @ (centred / length).T
    rng = seeds.numpy_generator(seed, "points of a distance law")
    order = rng.permutation(len(x))
    halves = order[: len(x) // 2], order[len(x) // 2 :]
    r2 = _r2_by_law(similarity, positions, reference, halves)
    winner = max(r2, key=r2.__getitem__)
    shuffled = [
        max(_r2_by_law(similarity, rng.permutation(positions), reference, halves).values())
        for _ in range(SHUFFLES)
    ]
    reached = (1 + sum(value >= r2[winner] for value in shuffled)) / (1 + SHUFFLES)
    return DistanceLaws(r2, winner, float(np.mean(shuffled)), reached)


def _r2_by_law(
    similarity: Float[np.ndarray, "points points"],
    positions: Float[np.ndarray, " points"],
    reference: float,
    halves: tuple[np.ndarray, np.ndarray],
) -> dict[str, float]:
    felt = {"log": np.log1p(np.abs(positions - reference)), "linear": positions}
    found = {}
    for law, scale in felt.items():
        pairs = [_pairs(similarity, scale, half) for half in halves]
        (distance, target), (other, held_out) = pairs
        slope, level = np.polyfit(distance, target, 1) if np.ptp(distance) else (0.0, target.mean())
        found[law] = _r2(level + slope * other, held_out)
    found["flat"] = _r2(np.full(len(held_out), target.mean()), held_out)
    return found


def _pairs(
    similarity: Float[np.ndarray, "points points"],
    scale: Float[np.ndarray, " points"],
    points: np.ndarray,
) -> tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
    first, second = (points[side] for side in np.triu_indices(len(points), 1))
    return np.abs(scale[first] - scale[second]), similarity[first, second]


def _r2(predicted: Float[np.ndarray, " pairs"], target: Float[np.ndarray, " pairs"]) -> float:
    around = float(((target - target.mean()) ** 2).sum())
    return 1 - float(((target - predicted) ** 2).sum()) / max(around, 1e-300)
