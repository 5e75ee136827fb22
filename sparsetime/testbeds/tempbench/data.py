"""Settings that all beds share, and the activations of a bed with its truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int, Shaped
from pydantic import Field
from torch import Tensor

from sparsetime import seeds
from sparsetime.config import Settings

#: Value of a class label on steps that are not scored.
UNLABELLED = -1


class TempBenchSettings(Settings):
    """Number of sequences, their length, and the seed of directions, latents and noise."""

    sequences: int = Field(1024, ge=4, description="the first half is for fitting, in time order")
    time: int = Field(64, ge=16, description="steps of a sequence")
    seed: int = Field(0, ge=0, description="of directions, latents and noise")

    def stream(self, bed: str, part: str) -> np.random.Generator:
        """The random numbers of a part of a bed: directions, latents, values or noise."""
        return seeds.numpy_generator(self.seed, "TempBench", bed, part)


@final
@dataclass(frozen=True, eq=False)
class TempBenchData:
    """Activations of a bed and what generated them.

    activations: [sequences, time, d]. directions: the true ones, unit rows. target: the hidden
    variables that codes are scored on, [sequences, time, columns]: class numbers, -1 on steps that
    are not scored, or values where `classes` is None. latents: every hidden variable by name,
    [sequences, time, ...], or a table without time. settings: those of the bed.
    """

    bed: str
    settings: TempBenchSettings
    activations: Float[Tensor, "sequences time d"]
    directions: Float[Tensor, "features d"]
    target: Shaped[np.ndarray, "sequences time columns"]
    classes: int | None
    latents: dict[str, Shaped[np.ndarray, ...]]


def orthonormal(random: np.random.Generator, rows: int, d: int) -> Float[np.ndarray, "rows d"]:
    """Random orthonormal rows, uniform over all such sets (Haar)."""
    q, r = np.linalg.qr(random.standard_normal((d, rows)))
    # QR alone is not uniform: the signs of r's diagonal follow the algorithm.
    haar: Float[np.ndarray, "rows d"] = (q * np.sign(np.diagonal(r))).T
    return haar


def one_hot(numbers: Int[np.ndarray, "*shape"], count: int) -> Float[np.ndarray, "*shape count"]:
    """Indicators of the numbers 0 to count - 1, in the last axis."""
    columns: Float[np.ndarray, "*shape count"] = np.eye(count)[numbers]
    return columns


def markov_states(
    random: np.random.Generator, shape: tuple[int, int, int], persistence: float, frequency: float
) -> Int[np.ndarray, "sequences time chains"]:
    """Independent stationary two-state Markov chains.

    P(h' = 1 | h) = persistence * h + (1 - persistence) * frequency
    """
    states = np.empty(shape, np.int8)
    drawn = random.random(shape)
    states[:, 0] = drawn[:, 0] < frequency
    for t in range(1, shape[1]):
        chance = persistence * states[:, t - 1] + (1 - persistence) * frequency
        states[:, t] = drawn[:, t] < chance
    return states
