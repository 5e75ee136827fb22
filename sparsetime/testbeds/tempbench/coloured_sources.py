"""Coloured sources: independent sources that differ only in autocorrelation at lag 2."""

from __future__ import annotations

from typing import cast, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from sparsetime.errors import MismatchError
from sparsetime.testbeds.tempbench.data import TempBenchData, TempBenchSettings, orthonormal
from sparsetime.testbeds.tempbench.readout import TempBenchScore

NAME = "coloured_sources"
_RANDOM_DRAWS = 16


@final
class ColouredSourcesSettings(TempBenchSettings):
    """Number of sources, which is the width of the activations, and their autocorrelations."""

    sequences: int = Field(4096, ge=4, description="the eigenvectors need many lagged pairs")
    sources: int = Field(32, ge=2, description="sources, and width of the activations")
    lag: int = Field(2, ge=1, le=15, description="the one lag with a correlation, and multiples")
    lowest: float = Field(0.1, ge=0, lt=1, description="autocorrelation of the first source")
    highest: float = Field(0.9, ge=0, lt=1, description="that of the last; linear between")
    noise: float = Field(0.1, ge=0, description="deviation of the noise of every dimension")


def generate(settings: ColouredSourcesSettings) -> TempBenchData:
    """Sums of autoregressive sources; scored are directions, against those of the sources.

        z_i(t) = r_i z_i(t - lag) + sqrt(1 - r_i^2) n_i(t),   x_t = sum_i z_i(t) f_i + noise * e_t

    A stretch of at most `lag` steps is white noise, isotropic, whatever the directions f are. The
    covariance at the lag has them as eigenvectors. Source: the coloured bed of TempBench
    (github.com/chainik1125/temp_xc).
    """
    directions = orthonormal(
        settings.stream(NAME, "directions"), settings.sources, settings.sources
    )
    r = np.linspace(settings.lowest, settings.highest, settings.sources)
    shape = (settings.sequences, settings.time, settings.sources)
    z = settings.stream(NAME, "latents").standard_normal(shape)
    for t in range(settings.lag, settings.time):
        z[:, t] = r * z[:, t - settings.lag] + np.sqrt(1 - r * r) * z[:, t]
    x = z @ directions + settings.noise * settings.stream(NAME, "noise").standard_normal(shape)
    return TempBenchData(
        bed=NAME,
        settings=settings,
        activations=torch.from_numpy(x).float(),
        directions=torch.from_numpy(directions).float(),
        target=z,
        classes=None,
        latents={"source": z, "autocorrelation": r},
    )


def direction_score(
    candidates: Float[Tensor, "candidates d"], data: TempBenchData, window: int
) -> TempBenchScore:
    """Mean over sources of the largest squared cosine with any candidate direction.

        score = 1/N sum_i max_j cos^2(f_i, c_j)

    candidates: atoms, or all steps of the atoms of a window. chance: the same number of random
    directions, mean of 16 draws. ceiling: the eigenvectors of the covariance at the lag, over all
    sequences; the chance level where the window is not longer than the lag.
    Source: TempBench, `colored_rec_adj`, which is `recovery` of the score.
    Errors: MismatchError for candidates of another width.
    """
    settings = cast(ColouredSourcesSettings, data.settings)
    if candidates.ndim != 2 or candidates.shape[1] != settings.sources:
        raise MismatchError(
            f"got candidates of shape {tuple(candidates.shape)}, expected [candidates, "
            f"{settings.sources}]; give directions in the activations of the bed"
        )
    true = data.directions.numpy().astype(np.float64)
    chance = []
    for draw in range(_RANDOM_DRAWS):
        random = settings.stream(NAME, f"random directions {draw}")
        chance.append(squared_cosines(random.standard_normal(candidates.shape), true).mean())
    score = squared_cosines(candidates.detach().numpy().astype(np.float64), true).mean()
    level = float(np.mean(chance))
    informed = window > settings.lag
    ceiling = float(squared_cosines(best_directions(data), true).mean()) if informed else level
    return TempBenchScore(float(score), level, ceiling, window)


def best_directions(data: TempBenchData) -> Float[np.ndarray, "sources d"]:
    """Eigenvectors of the symmetric covariance at the lag."""
    settings = cast(ColouredSourcesSettings, data.settings)
    x = data.activations.numpy().astype(np.float64)
    early, late = x[:, : -settings.lag], x[:, settings.lag :]
    covariance = np.einsum("sti,stj->ij", early, late, optimize=True)
    return np.linalg.eigh(covariance + covariance.T)[1].T


def squared_cosines(
    candidates: Float[np.ndarray, "candidates d"], true: Float[np.ndarray, "sources d"]
) -> Float[np.ndarray, " sources"]:
    """Largest squared cosine of each true direction with any candidate."""
    norms = np.linalg.norm(candidates, axis=1, keepdims=True)
    unit = np.divide(candidates, norms, out=np.zeros_like(candidates), where=norms > 0)
    largest: Float[np.ndarray, " sources"] = np.square(true @ unit.T).max(axis=1)
    return largest
