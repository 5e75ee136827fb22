"""Coupled hidden Markov models: features are active where any of their hidden parents is (OR)."""

from __future__ import annotations

from typing import cast, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from pydantic import Field, model_validator

from sparsetime.testbeds.tempbench.data import (
    TempBenchData,
    TempBenchSettings,
    markov_states,
    orthonormal,
)
from sparsetime.testbeds.tempbench.readout import read_windows

NAME = "coupled_chains"
# Beliefs of 128 rows over 1,024 joint states stay in the processor's cache.
_ROWS_AT_ONCE = 128


@final
class CoupledChainsSettings(TempBenchSettings):
    """Number of hidden chains and features, parents of a feature, and their emissions.

    Errors: pydantic's ValidationError for more parents than hidden chains.
    """

    hidden: int = Field(10, ge=1, le=12, description="hidden chains")
    features: int = Field(20, ge=1, description="features, each with a direction")
    parents: int = Field(2, ge=1, description="hidden parents of a feature")
    d: int = Field(256, ge=1, description="width of the activations, at least `features`")
    persistence: float = Field(0.7, ge=0, lt=1, description="autocorrelation of a chain at lag 1")
    frequency: float = Field(0.05, gt=0, lt=1, description="share of time that a chain is active")
    seen: float = Field(1.0, gt=0, le=1, description="chance of an emission under a parent")
    spread: float = Field(0.15, ge=0, description="deviation of a feature's value, of mean 1")

    @model_validator(mode="after")
    def _consistent(self) -> CoupledChainsSettings:
        if self.parents > self.hidden:
            raise ValueError(
                f"got parents={self.parents} and hidden={self.hidden}, expected at most as many "
                "parents as hidden chains; ask for fewer parents"
            )
        return self


def generate(settings: CoupledChainsSettings) -> TempBenchData:
    """Sums of features behind an OR gate; the target is each hidden chain, by correlation.

        x_t = sum_j s_j(t) m_j f_j,   P(s_j = 1 | h) = seen * [any parent of j is active]

    Source: the coupled bed of TempBench (github.com/chainik1125/temp_xc). Its headline is the
    alignment of atoms with the mean directions of a chain's features; here codes are scored.
    """
    directions = orthonormal(settings.stream(NAME, "directions"), settings.features, settings.d)
    random = settings.stream(NAME, "coupling")
    order = random.random((settings.features, settings.hidden)).argsort(axis=1).argsort(axis=1)
    coupling = (order < settings.parents).astype(np.int8)
    states = markov_states(
        settings.stream(NAME, "latents"),
        (settings.sequences, settings.time, settings.hidden),
        settings.persistence,
        settings.frequency,
    )
    random = settings.stream(NAME, "values")
    values = np.abs(1 + settings.spread * random.standard_normal(settings.features))
    gate = states @ coupling.T > 0
    emitted = gate & (random.random(gate.shape) < settings.seen)
    return TempBenchData(
        bed=NAME,
        settings=settings,
        activations=torch.from_numpy((emitted * values) @ directions).float(),
        directions=torch.from_numpy(directions).float(),
        target=states.astype(np.float64),
        classes=None,
        latents={"state": states, "emitted": emitted, "coupling": coupling, "value": values},
    )


def best_codes(data: TempBenchData, window: int) -> Float[np.ndarray, "sequences reads hidden"]:
    """P(h_k(t) = 1 | the emissions of the window), by the forward algorithm on all joint states."""
    emitted = read_windows(data.latents["emitted"], window)
    rows = emitted.reshape(-1, *emitted.shape[2:])
    parts = [
        _posterior(rows[at : at + _ROWS_AT_ONCE], data) for at in range(0, len(rows), _ROWS_AT_ONCE)
    ]
    return np.concatenate(parts).reshape(*emitted.shape[:2], -1)


def _posterior(
    emitted: Bool[np.ndarray, "rows window features"], data: TempBenchData
) -> Float[np.ndarray, "rows hidden"]:
    settings = cast(CoupledChainsSettings, data.settings)
    joint = (np.arange(2**settings.hidden)[:, None] >> np.arange(settings.hidden)[::-1]) & 1
    gate = (joint @ data.latents["coupling"].T > 0).astype(np.float64)
    chance = settings.seen * gate
    with np.errstate(divide="ignore"):
        # Impossible emissions have a large negative logarithm, not -inf: 0 * -inf is not a number.
        on = np.maximum(np.log(chance), -1e4).astype(np.float32)
        off = np.maximum(np.log1p(-chance), -1e4).astype(np.float32)
    frequency, stay = settings.frequency, settings.persistence
    prior = np.where(joint == 1, frequency, 1 - frequency).prod(axis=1).astype(np.float32)
    belief = np.broadcast_to(prior, (len(emitted), len(joint)))
    for step in range(emitted.shape[1]):
        if step:
            belief = _next(belief, settings.hidden, stay, frequency)
        seen = emitted[:, step].astype(np.float32)
        likelihood = seen @ on.T + (1 - seen) @ off.T
        belief = belief * np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        belief = belief / belief.sum(axis=1, keepdims=True)
    active: Float[np.ndarray, "rows hidden"] = belief @ joint
    return active


def _next(
    belief: Float[np.ndarray, "rows joint"], hidden: int, persistence: float, frequency: float
) -> Float[np.ndarray, "rows joint"]:
    """Belief one step later: the chains are independent, so one chain is advanced at a time."""
    shape = belief.shape
    for chain in range(hidden):
        pairs = belief.reshape(len(belief), 2**chain, 2, -1)
        total = pairs.sum(axis=2)
        on = persistence * pairs[:, :, 1] + (1 - persistence) * frequency * total
        belief = np.stack([total - on, on], axis=2)
    return belief.reshape(shape)
