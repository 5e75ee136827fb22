"""Cyclic frequency: a point goes round a circle with one of ten velocities."""

from __future__ import annotations

from typing import cast, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field

from sparsetime.testbeds.tempbench.data import TempBenchData, one_hot, orthonormal
from sparsetime.testbeds.tempbench.readout import read_windows
from sparsetime.testbeds.tempbench.tones import ToneSettings, circle, in_plane, loudest

NAME = "cyclic_frequency"


@final
class CyclicFrequencySettings(ToneSettings):
    """The velocities, beside the settings of tones."""

    velocities: tuple[int, ...] = Field(
        (0, 1, 2, 4, 8, 16, 24, 32, 40, 50), min_length=2, description="points a step"
    )


def generate(settings: CyclicFrequencySettings) -> TempBenchData:
    """A tone of one velocity a sequence; the target is which one.

        x_t = [cos q_t, sin q_t] R + noise * e_t,   q_t = 2 pi (B + Y t) / points

    B is uniform, so a single step says nothing of Y. Source: the cyclic bed of TempBench
    (github.com/chainik1125/temp_xc), embedded in a circle; its variant with random directions
    instead of a circle is not built here.
    """
    random = settings.stream(NAME, "latents")
    number = random.integers(0, len(settings.velocities), settings.sequences)
    start = random.integers(0, settings.points, settings.sequences)
    velocity = np.array(settings.velocities)[number]
    steps = np.arange(settings.time)
    position = (start[:, None] + velocity[:, None] * steps) % settings.points
    plane = orthonormal(settings.stream(NAME, "directions"), 2, settings.d)
    shape = (settings.sequences, settings.time, settings.d)
    noise = settings.noise * settings.stream(NAME, "noise").standard_normal(shape)
    x = circle(position, settings.points) @ plane + noise
    return TempBenchData(
        bed=NAME,
        settings=settings,
        activations=torch.from_numpy(x).float(),
        directions=torch.from_numpy(plane).float(),
        target=np.broadcast_to(number[:, None, None], (*position.shape, 1)),
        classes=len(settings.velocities),
        latents={"velocity": velocity, "position": position},
    )


def best_codes(data: TempBenchData, window: int) -> Float[np.ndarray, "sequences reads velocities"]:
    """The most likely velocity, one-hot."""
    settings = cast(CyclicFrequencySettings, data.settings)
    signal = in_plane(data.activations.numpy(), data.directions.numpy())
    found = loudest(read_windows(signal, window), settings.velocities, settings.points)
    return one_hot(found, len(settings.velocities))
