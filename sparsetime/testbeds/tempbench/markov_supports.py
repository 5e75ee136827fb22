"""Markov supports: hidden on-off chains that are seen through unreliable emissions."""

from __future__ import annotations

from typing import cast, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field

from sparsetime.testbeds.tempbench.data import (
    TempBenchData,
    TempBenchSettings,
    markov_states,
    orthonormal,
)
from sparsetime.testbeds.tempbench.readout import read_windows

NAME = "markov_supports"


@final
class MarkovSupportsSettings(TempBenchSettings):
    """Number of chains, their persistence, and how often an active one is seen."""

    features: int = Field(20, ge=1, description="chains, each with a direction")
    d: int = Field(40, ge=1, description="width of the activations, at least `features`")
    persistence: float = Field(0.7, ge=0, lt=1, description="autocorrelation of a chain at lag 1")
    frequency: float = Field(0.5, gt=0, lt=1, description="share of time that a chain is active")
    seen: float = Field(0.625, gt=0, le=1, description="chance of an emission while active")
    false_alarm: float = Field(0.0, ge=0, lt=1, description="chance of one while inactive")
    spread: float = Field(0.15, ge=0, description="deviation of a feature's value, of mean 1")


def generate(settings: MarkovSupportsSettings) -> TempBenchData:
    """Sums of the emitted features; the target is each hidden state, by correlation.

        x_t = sum_i s_i(t) m_i f_i,   P(s_i = 1 | h_i) = seen * h_i + false_alarm * (1 - h_i)

    m_i = |N(1, spread^2)| is constant over time. Source: the Markov bed of TempBench
    (github.com/chainik1125/temp_xc), which reports R^2 and the alignment of atoms beside.
    """
    shape = (settings.sequences, settings.time, settings.features)
    directions = orthonormal(settings.stream(NAME, "directions"), settings.features, settings.d)
    states = markov_states(
        settings.stream(NAME, "latents"), shape, settings.persistence, settings.frequency
    )
    random = settings.stream(NAME, "values")
    values = np.abs(1 + settings.spread * random.standard_normal(settings.features))
    chance = np.where(states == 1, settings.seen, settings.false_alarm)
    emitted = random.random(shape) < chance
    return TempBenchData(
        bed=NAME,
        settings=settings,
        activations=torch.from_numpy((emitted * values) @ directions).float(),
        directions=torch.from_numpy(directions).float(),
        target=states.astype(np.float64),
        classes=None,
        latents={"state": states, "emitted": emitted, "value": values},
    )


def best_codes(data: TempBenchData, window: int) -> Float[np.ndarray, "sequences reads features"]:
    """P(h_i(t) = 1 | the emissions of the window), by the forward algorithm."""
    settings = cast(MarkovSupportsSettings, data.settings)
    emitted = read_windows(data.latents["emitted"], window)
    active = np.full(emitted[:, :, 0].shape, settings.frequency)
    for step in range(window):
        if step:
            active = settings.persistence * active + (1 - settings.persistence) * settings.frequency
        seen = emitted[:, :, step]
        on = active * np.where(seen, settings.seen, 1 - settings.seen)
        off = (1 - active) * np.where(seen, settings.false_alarm, 1 - settings.false_alarm)
        active = on / (on + off)
    return active
