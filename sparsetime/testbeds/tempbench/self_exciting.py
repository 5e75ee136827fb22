"""Self-exciting events: the chance of an event depends on the events of the last two steps."""

from __future__ import annotations

from typing import cast, final

import numpy as np
from jaxtyping import Float
from pydantic import Field
from scipy.optimize import brentq
from scipy.special import expit, logit

from sparsetime.testbeds.tempbench.content import ContentSettings, activations_with_content
from sparsetime.testbeds.tempbench.data import TempBenchData, one_hot
from sparsetime.testbeds.tempbench.readout import read_windows

NAME = "self_exciting"


@final
class SelfExcitingSettings(ContentSettings):
    """Base rate, strength and memory of the excitation, beside those of the content."""

    content: int = Field(19, ge=1, description="content directions, which know nothing of time")
    rate: float = Field(0.12, gt=0, lt=0.5, description="share of steps with an event")
    excitation: float = Field(3.06, ge=0, description="sum of the weights of earlier events")
    memory: int = Field(2, ge=1, le=8, description="steps that an event excites")
    decay: float = Field(2.0, gt=0, description="weights fall as exp(-lag / decay)")


def weights(settings: SelfExcitingSettings) -> Float[np.ndarray, " memory"]:
    """Weight of an event one step ago, two steps ago, ..."""
    kernel = np.exp(-np.arange(1, settings.memory + 1) / settings.decay)
    weight: Float[np.ndarray, " memory"] = settings.excitation * kernel / kernel.sum()
    return weight


def stationary(
    settings: SelfExcitingSettings, baseline: float
) -> tuple[Float[np.ndarray, " histories"], Float[np.ndarray, " histories"]]:
    """Intensity after each history of events, and how often the histories occur.

    The bits of a history's number are its events, the latest one lowest.
    """
    count = 2**settings.memory
    histories = np.arange(count)
    events = (histories[:, None] >> np.arange(settings.memory)) & 1
    intensity = expit(baseline + events @ weights(settings))
    transition = np.zeros((count, count))
    later = (histories << 1) & (count - 1)
    transition[histories, later] = 1 - intensity
    transition[histories, later | 1] = intensity
    equations = np.vstack([transition.T - np.eye(count), np.ones(count)])
    share = np.linalg.lstsq(equations, np.append(np.zeros(count), 1), rcond=None)[0]
    return intensity, share


def baseline(settings: SelfExcitingSettings) -> float:
    """Intercept with which the stationary share of steps with an event is `rate`."""

    def excess(intercept: float) -> float:
        intensity, share = stationary(settings, intercept)
        return float(intensity @ share) - settings.rate

    return float(brentq(excess, logit(settings.rate) - 2 * settings.excitation - 1, 0.0))


def generate(settings: SelfExcitingSettings) -> TempBenchData:
    """Events with a direction of their own, amid content; the target is the intensity.

        intensity_t = sigmoid(a + sum_l w_l b_(t-l)),   b_t ~ Bernoulli(intensity_t)

    Histories start stationary, and a is exact. Source: the self-exciting bed of TempBench
    (github.com/chainik1125/temp_xc), where sequences start without events and a is tuned over
    sequences of 64 steps. The score is the correlation with the intensity, as there.
    """
    random = settings.stream(NAME, "latents")
    intensity, share = stationary(settings, baseline(settings))
    share = np.maximum(share, 0) / np.maximum(share, 0).sum()
    history = random.choice(len(share), settings.sequences, p=share)
    drawn = random.random((settings.sequences, settings.time))
    events = np.empty(drawn.shape, bool)
    chances = np.empty(drawn.shape)
    for t in range(settings.time):
        chances[:, t] = intensity[history]
        events[:, t] = drawn[:, t] < chances[:, t]
        history = (history << 1 | events[:, t]) & (len(share) - 1)
    activations, directions = activations_with_content(events[..., None] * 1.0, settings, NAME)
    return TempBenchData(
        bed=NAME,
        settings=settings,
        activations=activations,
        directions=directions,
        target=chances[..., None],
        classes=None,
        latents={"intensity": chances, "event": events},
    )


def best_codes(data: TempBenchData, window: int) -> Float[np.ndarray, "sequences reads patterns"]:
    """One-hot pattern of the events that matter: a linear readout of it is any function of them."""
    memory = cast(SelfExcitingSettings, data.settings).memory
    used = min(window, memory + 1)
    events = read_windows(data.latents["event"], used).astype(np.int64)
    return one_hot(events @ (1 << np.arange(used)), 2**used)
