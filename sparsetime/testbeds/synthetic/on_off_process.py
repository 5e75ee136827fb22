"""Semi-Markov process: active and inactive in turn, each for a time of its own distribution."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sparsetime.testbeds.synthetic.feature_specs import PlantedFeature
from sparsetime.testbeds.synthetic.settings import SyntheticSettings

T = TypeVar("T", bound=np.generic)

# Burn-in: cycles before the first step that is kept. Without it every sequence would begin with
# all features inactive.
_BURN_IN_CYCLES = 5


def on_off_activations(
    feature: PlantedFeature, settings: SyntheticSettings, random: np.random.Generator
) -> NDArray[np.float32]:
    """Activation of a feature without its parent, [sequences, time]: one draw a segment, else zero.

    Segments last `dwell` steps in the mean and cover the share `own_frequency` of the time.
    """
    if feature.own_frequency == 0:
        return np.zeros((settings.sequences, settings.time), dtype=np.float32)
    gap = feature.dwell * (1 - feature.own_frequency) / feature.own_frequency
    before = int(_BURN_IN_CYCLES * (feature.dwell + gap))
    on, off = [], []
    covered = np.zeros(settings.sequences)
    while covered.min() < before + settings.time:
        count = int((before + settings.time) / (feature.dwell + gap)) + 8
        on.append(lengths(feature.dwell, settings.regularity, (settings.sequences, count), random))
        off.append(lengths(gap, 1.0, (settings.sequences, count), random))
        covered += on[-1].sum(axis=1) + off[-1].sum(axis=1)
    turns = np.stack([np.concatenate(off, axis=1), np.concatenate(on, axis=1)], axis=-1)
    level = np.exp(settings.spread * random.standard_normal(turns.shape[:2]))
    if feature.kind == "bidirectional":
        level *= random.choice([-1.0, 1.0], size=level.shape)
    values = np.stack([np.zeros_like(level), level], axis=-1).astype(np.float32)
    return _repeat_to_steps(values, turns, before, settings)


def slow_states(settings: SyntheticSettings, random: np.random.Generator) -> NDArray[np.int16]:
    """The hidden slow state at every step, [sequences, time]; each change is to another state."""
    count = int(settings.time / settings.state_dwell) + 8
    shape = (settings.sequences, count)
    lasts = lengths(settings.state_dwell, 1.0, shape, random)
    while lasts.sum(axis=1).min() < settings.time:
        lasts = np.concatenate([lasts, lengths(settings.state_dwell, 1.0, shape, random)], axis=1)
    jumps = random.integers(1, max(2, settings.states), size=lasts.shape)
    jumps[:, 0] = random.integers(0, settings.states, size=settings.sequences)
    values = (np.cumsum(jumps, axis=1) % settings.states).astype(np.int16)
    return _repeat_to_steps(values, lasts, 0, settings)


def lengths(
    mean: float, shape: float, size: tuple[int, int], random: np.random.Generator
) -> NDArray[np.int64]:
    """Integer lengths of at least one step: 1 + a negative binomial of that mean and shape.

    Shape 1 is the geometric distribution; a larger one gives more even lengths, up to the spread of
    a Poisson distribution.
    """
    mean = max(mean, 1.0)
    return 1 + random.poisson(random.gamma(shape, (mean - 1) / shape, size))


def _repeat_to_steps(
    values: NDArray[T], turns: NDArray[np.int64], before: int, settings: SyntheticSettings
) -> NDArray[T]:
    """Each value repeated for its length, cut to the steps from `before` on: [sequences, time]."""
    rows = (settings.sequences, -1)
    ends = np.cumsum(turns.reshape(rows), axis=1).clip(before, before + settings.time) - before
    shown = np.diff(ends, axis=1, prepend=0)
    flat = np.repeat(values.reshape(-1), shown.reshape(-1))
    return flat.reshape(settings.sequences, settings.time)
