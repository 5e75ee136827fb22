"""Multilane tones: three tones at once in orthogonal planes, each with a velocity of its own."""

from __future__ import annotations

from typing import cast, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field

from sparsetime.testbeds.tempbench.data import TempBenchData, one_hot, orthonormal
from sparsetime.testbeds.tempbench.readout import read_windows
from sparsetime.testbeds.tempbench.tones import ToneSettings, circle, in_plane, loudest

NAME = "multilane_tones"


@final
class MultilaneTonesSettings(ToneSettings):
    """Number of lanes and the velocities, beside the settings of tones."""

    lanes: int = Field(3, ge=1, description="tones at once, each in a plane of its own")
    d: int = Field(24, ge=2, description="width of the activations, at least twice the lanes")
    noise: float = Field(0.25, ge=0, description="deviation of the noise of every dimension")
    velocities: tuple[int, ...] = Field(
        (0, 1, 2, 4, 8, 16, 24, 32, 40, 50), min_length=2, description="points a step"
    )


def generate(settings: MultilaneTonesSettings) -> TempBenchData:
    """A sum of tones; the target is the velocity in every lane, scored lane by lane.

        x_t = sum_k [cos q_k(t), sin q_k(t)] R_k + noise * e_t,  q_k = 2 pi (B_k + Y_k t) / points

    Source: the multilane bed of TempBench (github.com/chainik1125/temp_xc).
    """
    random = settings.stream(NAME, "latents")
    shape = (settings.sequences, settings.lanes)
    number = random.integers(0, len(settings.velocities), shape)
    start = random.integers(0, settings.points, shape)
    velocity = np.array(settings.velocities)[number]
    steps = np.arange(settings.time)[:, None]
    position = (start[:, None] + velocity[:, None] * steps) % settings.points
    planes = orthonormal(settings.stream(NAME, "directions"), 2 * settings.lanes, settings.d)
    coordinates = circle(position, settings.points).reshape(*position.shape[:2], -1)
    noise = settings.stream(NAME, "noise").standard_normal((*position.shape[:2], settings.d))
    x = coordinates @ planes + settings.noise * noise
    return TempBenchData(
        bed=NAME,
        settings=settings,
        activations=torch.from_numpy(x).float(),
        directions=torch.from_numpy(planes).float(),
        target=np.broadcast_to(number[:, None], position.shape),
        classes=len(settings.velocities),
        latents={"velocity": velocity, "position": position},
    )


def best_codes(data: TempBenchData, window: int) -> Float[np.ndarray, "sequences reads columns"]:
    """The most likely velocity of every lane, one-hot: orthogonal planes separate the lanes."""
    settings = cast(MultilaneTonesSettings, data.settings)
    x, planes = data.activations.numpy(), data.directions.numpy()
    lanes = []
    for lane in range(settings.lanes):
        signal = in_plane(x, planes[2 * lane : 2 * lane + 2])
        found = loudest(read_windows(signal, window), settings.velocities, settings.points)
        lanes.append(one_hot(found, len(settings.velocities)))
    return np.concatenate(lanes, axis=-1)
