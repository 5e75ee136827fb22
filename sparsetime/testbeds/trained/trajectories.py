"""Made trajectories of agents in the plane: a speed, a heading that turns, and noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.errors import ConfigError

SLOWEST, FASTEST = 0.2, 2.0
_TURN, _NOISE = 0.15, 0.1


@final
@dataclass(frozen=True, eq=False)
class Trajectories:
    """Displacements [agents, steps, 2] of each step, and the speed and the turn of each agent.

    speed: length of a step without noise. turn: change of the heading a step, in radians.
    """

    displacements: Float[Tensor, "agents steps 2"]
    speed: Float[Tensor, " agents"]
    turn: Float[Tensor, " agents"]


def trajectories(agents: int, steps: int = 24, seed: int = 0, part: str = "train") -> Trajectories:
    """Agents with uniform speeds from 0.2 to 2, turns up to 0.15 radians a step, and noise of 0.1.

    part: another name is another draw. Errors: ConfigError for no agents or steps.
    """
    if agents < 1 or steps < 1:
        raise ConfigError(f"got agents={agents} and steps={steps}, expected at least 1 of each")
    draw = seeds.numpy_generator(seed, "trajectories", part)
    speed = draw.uniform(SLOWEST, FASTEST, agents)
    turn = draw.uniform(-_TURN, _TURN, agents)
    heading = draw.uniform(0, 2 * np.pi, agents)[:, None] + turn[:, None] * np.arange(steps)
    clean = speed[:, None, None] * np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    noisy = clean + _NOISE * draw.standard_normal(clean.shape)
    return Trajectories(*(torch.from_numpy(x).float() for x in (noisy, speed, turn)))
