"""Permuted tones: ten schedules visit the points of a circle, each in an order of its own."""

from __future__ import annotations

from typing import cast, final

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field

from sparsetime.testbeds.tempbench.data import TempBenchData, one_hot, orthonormal
from sparsetime.testbeds.tempbench.readout import read_windows
from sparsetime.testbeds.tempbench.tones import ToneSettings, circle, in_plane

NAME = "permuted_tones"


@final
class PermutedTonesSettings(ToneSettings):
    """Number of schedules, beside the settings of tones."""

    schedules: int = Field(10, ge=2, description="random permutations of the points")


def generate(settings: PermutedTonesSettings) -> TempBenchData:
    """The points of a circle in one of ten random orders; the target is which order.

        x_t = u[p_Y((t + B) mod points)] + noise * e_t,   u[a] = [cos, sin](2 pi a / points) R

    Unlike the velocities of a tone, orders leave no line in a spectrum: a schedule is known by
    which points follow each other. Source: the permuted bed of TempBench
    (github.com/chainik1125/temp_xc).
    """
    drawn = settings.stream(NAME, "schedules").random((settings.schedules, settings.points))
    table = drawn.argsort(axis=1)
    random = settings.stream(NAME, "latents")
    number = random.integers(0, settings.schedules, settings.sequences)
    start = random.integers(0, settings.points, settings.sequences)
    places = (start[:, None] + np.arange(settings.time)) % settings.points
    position = table[number[:, None], places]
    plane = orthonormal(settings.stream(NAME, "directions"), 2, settings.d)
    noise = settings.stream(NAME, "noise").standard_normal((*position.shape, settings.d))
    x = circle(position, settings.points) @ plane + settings.noise * noise
    return TempBenchData(
        bed=NAME,
        settings=settings,
        activations=torch.from_numpy(x).float(),
        directions=torch.from_numpy(plane).float(),
        target=np.broadcast_to(number[:, None, None], (*position.shape, 1)),
        classes=settings.schedules,
        latents={"schedule": number, "position": position, "table": table},
    )


def best_codes(data: TempBenchData, window: int) -> Float[np.ndarray, "sequences reads schedules"]:
    """The schedule with the largest matched filter over all starting places, one-hot.

    max_b sum_t <x_t, u[p_k(t + b)]>
    """
    settings = cast(PermutedTonesSettings, data.settings)
    signal = in_plane(data.activations.numpy(), data.directions.numpy())
    windows = read_windows(signal, window).reshape(-1, window)
    atoms = circle(np.arange(settings.points), settings.points)
    unit = atoms[:, 0] - 1j * atoms[:, 1]
    table: Int[np.ndarray, "schedules points"] = data.latents["table"]
    best = np.empty((len(windows), settings.schedules))
    for k in range(settings.schedules):
        order = table[k]
        # <x, u> of points in a plane is the real part of x times the conjugate of u.
        template = np.stack([unit[np.roll(order, -t)] for t in range(window)])
        best[:, k] = (windows @ template).real.max(axis=1)
    found = best.argmax(axis=1).reshape(settings.sequences, -1)
    return one_hot(found, settings.schedules)
