"""Change points: a mode lasts for a random time; the target is whether it has just changed."""

from __future__ import annotations

from typing import cast, final

import numpy as np
from jaxtyping import Float
from pydantic import Field

from sparsetime.testbeds.tempbench.content import ContentSettings, activations_with_content
from sparsetime.testbeds.tempbench.data import UNLABELLED, TempBenchData, one_hot
from sparsetime.testbeds.tempbench.readout import read_windows

NAME = "change_points"


@final
class ChangePointsSettings(ContentSettings):
    """Number of modes and their mean dwell, beside those of the content."""

    modes: int = Field(8, ge=2, description="modes, each with a direction")
    dwell: float = Field(1.73, gt=1, description="mean steps in a mode, geometrically distributed")


def generate(settings: ChangePointsSettings) -> TempBenchData:
    """A mode's direction at every step, amid content; the target is m_t != m_(t-1).

        P(m_t != m_(t-1)) = 1 / dwell, to each of the other modes alike

    The mode itself can be read from one step, a change from two at least. The steps since the last
    change (from the start of a sequence before the first) are among the latents. Source: the
    change-point bed of TempBench (github.com/chainik1125/temp_xc), which scores the mode and the
    steps since a change beside; the balanced accuracy of changes is scored here.
    """
    random = settings.stream(NAME, "latents")
    shape = (settings.sequences, settings.time)
    jumps = random.integers(1, settings.modes, shape) * (random.random(shape) < 1 / settings.dwell)
    jumps[:, 0] = random.integers(0, settings.modes, settings.sequences)
    mode = jumps.cumsum(axis=1) % settings.modes
    changed = np.full(shape, UNLABELLED)
    changed[:, 1:] = mode[:, 1:] != mode[:, :-1]
    steps = np.arange(settings.time)
    last = np.maximum.accumulate(np.where(changed == 1, steps, 0), axis=1)
    activations, directions = activations_with_content(
        one_hot(mode, settings.modes), settings, NAME
    )
    return TempBenchData(
        bed=NAME,
        settings=settings,
        activations=activations,
        directions=directions,
        target=changed[..., None],
        classes=2,
        latents={"mode": mode, "changed": changed, "steps since a change": steps - last},
    )


def best_codes(data: TempBenchData, window: int) -> Float[np.ndarray, "sequences reads columns"]:
    """Whether the mode changed; of a single step its mode, which is independent of changes."""
    settings = cast(ChangePointsSettings, data.settings)
    mode = read_windows(data.latents["mode"], window)
    if window == 1:
        return one_hot(mode[:, :, 0], settings.modes)
    other: Float[np.ndarray, "sequences reads 1"] = 1.0 * (mode[:, :, -1:] != mode[:, :, -2:-1])
    return other
