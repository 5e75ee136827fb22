"""Haystacks: long sequences of made frame vectors, scenes of which hold planted events."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from sparsetime import seeds
from sparsetime.errors import ConfigError


@final
@dataclass(frozen=True, eq=False)
class Haystacks:
    """Sequences of unit vectors, a query for each, and where the query's events lie.

    rows: [sequences, time, d]. queries: unit vectors [sequences, d]. events: by sequence ("0",
    "1", …), the first step of every event and the step after its last.
    """

    rows: Float[Tensor, "sequences time d"]
    queries: Float[Tensor, "sequences d"]
    events: dict[str, list[tuple[float, float]]]


def haystacks(
    count: int = 20,
    time: int = 1000,
    events: int = 6,
    d: int = 32,
    scene: int = 60,
    seed: int = 0,
) -> Haystacks:
    """Sequences of scenes of about `scene` steps, of which `events` hold an event of 3 to 8 steps.

    A row is its scene's vector, noise that changes slowly, and a share of the query: 0.15 to 0.3 in
    the scene of an event, 0.5 to 0.9 in the event itself, different from event to event, so that
    the steps of one strong event score higher than all of a weak one. Other scenes share none.

    Errors: ConfigError for more events than scenes, and for counts below 1.
    """
    scenes = time // scene
    if min(count, events, d, scene) < 1 or scene < 12 or events > scenes:
        raise ConfigError(
            f"got {events} events in {scenes} scenes of {scene} steps, expected at least one of "
            "each, scenes of 12 steps or more, and no more events than scenes"
        )
    draw = seeds.numpy_generator(seed, "haystacks")
    rows, queries, truth = [], [], {}
    for number in range(count):
        query = _unit(draw.normal(size=d))
        borders = np.linspace(0, time, scenes + 1).astype(int)
        share, spans = np.zeros(time), []
        values = np.zeros((time, d))
        chosen = set(draw.choice(scenes, size=events, replace=False).tolist())
        for place, (begin, end) in enumerate(pairwise(borders)):
            own = draw.normal(size=d)
            values[begin:end] = _unit(own - (own @ query) * query)
            if place in chosen:
                length = int(draw.integers(3, 9))
                first = int(draw.integers(begin + 1, end - length))
                share[begin:end] = draw.uniform(0.15, 0.3)
                share[first : first + length] = draw.uniform(0.5, 0.9)
                spans.append((float(first), float(first + length)))
        noise = draw.normal(size=(time, d)) / d**0.5
        for step in range(1, time):
            noise[step] = 0.8 * noise[step - 1] + 0.6 * noise[step]
        rows.append(_unit((1 - share[:, None]) * values + share[:, None] * query + 0.3 * noise))
        queries.append(query)
        truth[str(number)] = spans
    return Haystacks(
        torch.tensor(np.stack(rows), dtype=torch.float32),
        torch.tensor(np.stack(queries), dtype=torch.float32),
        truth,
    )


def _unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = x / np.linalg.norm(x, axis=-1, keepdims=True)
    return unit
