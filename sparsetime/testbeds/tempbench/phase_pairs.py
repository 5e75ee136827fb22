"""Phase pairs: the direction of time of a tone, where both directions have equal power."""

from __future__ import annotations

from typing import cast, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field

from sparsetime.testbeds.tempbench.data import UNLABELLED, TempBenchData, orthonormal
from sparsetime.testbeds.tempbench.readout import read_windows
from sparsetime.testbeds.tempbench.tones import ToneSettings, circle, in_plane, loudest

NAME = "phase_pairs"


@final
class PhasePairsSettings(ToneSettings):
    """The speeds, beside the settings of tones."""

    d: int = Field(24, ge=2, description="width of the activations")
    speeds: tuple[int, ...] = Field(
        (3, 12, 30), min_length=1, description="points a step, in either direction"
    )


def generate(settings: PhasePairsSettings) -> TempBenchData:
    """A tone that runs forwards or backwards; the target is which, scored speed by speed.

        x_t = [cos q_t, sin q_t] R + noise * e_t,   q_t = 2 pi (B + s v t) / points,   s = +-1

    Reversed in time, a sequence of s = 1 is distributed as one of s = -1. So every projection has
    the same power spectrum under both, and only phases between projections differ. Source: the
    phase-pair bed of TempBench (github.com/chainik1125/temp_xc): one classifier of all velocities
    there, one of the direction at every speed here.
    """
    random = settings.stream(NAME, "latents")
    number = random.integers(0, len(settings.speeds), settings.sequences)
    forwards = random.integers(0, 2, settings.sequences)
    start = random.integers(0, settings.points, settings.sequences)
    velocity = np.array(settings.speeds)[number] * (2 * forwards - 1)
    steps = np.arange(settings.time)
    position = (start[:, None] + velocity[:, None] * steps) % settings.points
    plane = orthonormal(settings.stream(NAME, "directions"), 2, settings.d)
    noise = settings.stream(NAME, "noise").standard_normal((*position.shape, settings.d))
    x = circle(position, settings.points) @ plane + settings.noise * noise
    own = number[:, None] == np.arange(len(settings.speeds))
    target = np.where(own, forwards[:, None], UNLABELLED)[:, None]
    return TempBenchData(
        bed=NAME,
        settings=settings,
        activations=torch.from_numpy(x).float(),
        directions=torch.from_numpy(plane).float(),
        target=np.broadcast_to(target, (*position.shape, len(settings.speeds))),
        classes=2,
        latents={"velocity": velocity, "position": position},
    )


def best_codes(data: TempBenchData, window: int) -> Float[np.ndarray, "sequences reads columns"]:
    """The more likely direction at the true speed, as 1 or -1, in a column for every speed."""
    settings = cast(PhasePairsSettings, data.settings)
    signal = in_plane(data.activations.numpy(), data.directions.numpy())
    windows = read_windows(signal, window)
    columns = [2 * loudest(windows, (-v, v), settings.points) - 1 for v in settings.speeds]
    return np.stack(columns, axis=-1).astype(np.float64)
