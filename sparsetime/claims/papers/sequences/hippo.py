"""HiPPO-LegS: the past of a long signal online, at any time and sampling rate."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.claims.lab.sequence_training import train_sequence_model
from sparsetime.sequence_models.compose_model import compose_model
from sparsetime.sequence_models.mixers.hippo import Hippo
from sparsetime.sequence_models.mixers.hippo_matrices import reconstruct, transition
from sparsetime.sequence_models.mixers.mixer import Mixer
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.testbeds.series.auckland import counts

STATES, LENGTH, SIGNALS = 64, 1024, 32
TIMES = (256, 512, 1024)  # steps at which the past is asked for
AGES = (np.arange(64) + 0.5) / 64
WINDOWS = (128, 256, 512, 1024, 2048)
HOURS, MOST_GAPS = 12, 0.02  # of a step; share of a window
STEPS, RATE, BATCH = 60, 1e-2, 16


@claim(
    "hippo",
    system=240,
    says="From 64 coefficients the past of a signal is reconstructed after 256, 512 and 1,024 "
    "steps with less error by LegS than by a Legendre memory unit or a trained GRU of 64 numbers; "
    "at half the sampling rate the error rises by at most a tenth.",
    data="pedestrians in a city, means of a week every 12 hours, 1,024 steps of one sensor",
    expects=[
        Less("error, LegS", than="error, LMU"),
        Less("error, LegS", than="error, GRU"),
        AtMost("error at half the rate over that at the full rate, LegS", than=1.1),
    ],
    seconds=85,
    rule="LegS state reconstructs a long real signal online with lower error than an equal-size "
    "LMU or GRU state, and holds when the sampling rate changes.",
    notes="The window of the Legendre memory unit is chosen on another seed for the same three "
    "times. The GRU is trained briefly, on other signals, to give 64 points of the past.",
    null=lambda lab, seed: _values(lab, seed, shuffled=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Signals of a seed are windows of random sensors and beginnings."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, shuffled: bool = False) -> dict[str, float]:
    """shuffled: True for the null, in which LegS reads the steps in random order."""
    x, tuning = _signals(seed), _signals(lab.tuning_seed)
    read = x
    if shuffled:
        draw = seeds.torch_generator(seed, "random choice")
        read = x[:, torch.randperm(LENGTH, generator=draw)]
    window = min(WINDOWS, key=lambda one: _error(_legt(tuning, one), tuning))
    full = _error(_legs(read), x)
    half = _error(_legs(read[:, ::2], rate=2), x)
    return {
        "error, LegS": full,
        "error, LMU": _error(_legt(x, window), x),
        "error, GRU": _error(_gru(x, _signals(seed, "training"), seed), x),
        "error at half the rate over that at the full rate, LegS": half / full,
        "window of the LMU": float(window),
    }


def _signals(seed: int, part: str = "reported") -> Float[Tensor, "signals time"]:
    """Standardised windows of weekly means, of random sensors and times, with few gaps."""
    smooth, gaps = _smoothed()
    random = seeds.numpy_generator(seed, "random choice", part)
    rows: list[np.ndarray] = []
    while len(rows) < SIGNALS:
        sensor = random.integers(smooth.shape[1])
        window = slice(start := random.integers(len(smooth) - LENGTH), start + LENGTH)
        row = smooth[window, sensor]
        # A counter that stood still has no spread.
        if gaps[window, sensor].mean() < MOST_GAPS and row.std() > 0.1 * smooth[:, sensor].std():
            rows.append(row)
    x = np.stack(rows)
    return torch.from_numpy((x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True))


@cache
def _smoothed() -> tuple[Float[np.ndarray, "time sensors"], Float[np.ndarray, "time sensors"]]:
    """Means of a week every 12 hours, where the sensor's mean fills gaps, and the share of gaps."""
    values = counts().values.astype(np.float64)
    is_gap = np.isnan(values)
    filled = np.where(is_gap, np.nanmean(values, 0), values)
    return _of_weeks(filled), _of_weeks(is_gap.astype(np.float64))


def _of_weeks(values: Float[np.ndarray, "hours sensors"]) -> Float[np.ndarray, "time sensors"]:
    total = np.concatenate([np.zeros((1, values.shape[1])), values.cumsum(0)])
    means: Float[np.ndarray, "time sensors"] = (total[168:] - total[:-168])[::HOURS] / 168
    return means


def _past(x: Float[Tensor, "signals time"], time: int) -> Float[Tensor, "signals points"]:
    """The signal before a time, at the ages that are asked for."""
    at = np.clip(np.round(time - 1 - AGES * (time - 1)).astype(int), 0, time - 1)
    return x[:, at]


def _error(guesses: dict[int, Tensor], x: Tensor) -> float:
    """Mean squared error over the three times; signals have unit variance."""
    errors = [float((guess - _past(x, t)).square().mean()) for t, guess in guesses.items()]
    return float(np.mean(errors))


def _legs(x: Tensor, rate: int = 1) -> dict[int, Tensor]:
    mixer = Mixer.from_config({"kind": "hippo", "d": SIGNALS, "states": STATES}).double()
    assert isinstance(mixer, Hippo)
    with torch.no_grad():
        rows = mixer.coefficients(x.T[None])[0][0]
    return {t: reconstruct(rows[t // rate - 1], AGES, "legs") for t in TIMES}


def _legt(x: Tensor, window: int) -> dict[int, Tensor]:
    """The Legendre memory unit: what lies beyond its window is guessed as its oldest point."""
    a, b = transition("legt", STATES)
    step = torch.linalg.matrix_exp(a / window)
    gain = torch.linalg.solve(a, (step - torch.eye(STATES, dtype=a.dtype)) @ b)
    c, found = x.new_zeros(SIGNALS, STATES), {}
    for t, value in enumerate(x.unbind(1), start=1):
        c = c @ step.T + value[:, None] * gain
        if t in TIMES:
            ages = np.clip(AGES * t / window, 0, 1)
            found[t] = reconstruct(c, ages, "legt")
    return found


def _gru(x: Tensor, other: Tensor, seed: int) -> dict[int, Tensor]:
    cell = {"kind": "rnn", "cell": "gru"}
    model = compose_model(
        "values", cell, "forecast", d=STATES, channel=None, seed=seed, d_in=1, steps=len(AGES)
    )
    random = seeds.torch_generator(seed, "random choice", "batches")
    order = [torch.randperm(SIGNALS, generator=random)[:BATCH] for _ in range(STEPS)]
    batches = [other[rows].float() for rows in order]
    train_sequence_model(model, batches, _gru_loss, steps=STEPS, learning_rate=RATE)
    with torch.no_grad():
        points = _points(model, x.float())
    return {t: points[:, t - 1].double() for t in TIMES}


def _gru_loss(model: SequenceModel, x: Tensor) -> Tensor:
    points = _points(model, x)
    errors = [(points[:, t - 1] - _past(x, t)).square().mean() for t in TIMES]
    return torch.stack(errors).mean()


def _points(model: SequenceModel, x: Tensor) -> Tensor:
    points = model(x[..., None])
    assert isinstance(points, Tensor)
    return points
