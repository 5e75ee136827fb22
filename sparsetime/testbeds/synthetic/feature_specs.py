"""Feature specifications of the synthetic testbed: frequency, mean dwell, parent, leader, state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np

from sparsetime.testbeds.synthetic.settings import SyntheticSettings

Kind: TypeAlias = Literal[
    "plain", "parent", "child", "leader", "follower", "bidirectional", "circle", "state"
]
NO_FEATURE = -1
# Features bound to the slow state dwell at most this share of the state's own mean dwell.
_LARGEST_SHARE_OF_STATE_DWELL = 0.1


@final
@dataclass(frozen=True)
class PlantedFeature:
    """One latent of the true code.

    frequency: the expected share of steps at which it is active. dwell: the mean length in steps of
    its own segments, before its parent or the state cuts them. own_frequency: the share of steps in
    those segments. parent, leader, partner: the latent that it needs, follows, or shares a circle
    with; -1 for none. state: the slow state that it is bound to, -1 for none. period: steps of one
    turn of a circle; 0 for other kinds.
    """

    latent: int
    kind: Kind
    frequency: float
    own_frequency: float
    dwell: float
    parent: int = NO_FEATURE
    leader: int = NO_FEATURE
    partner: int = NO_FEATURE
    state: int = NO_FEATURE
    period: float = 0.0


def draw_features(settings: SyntheticSettings, random: np.random.Generator) -> list[PlantedFeature]:
    """Specifications of all features; a child comes after its parent, a follower after its leader.

    Frequencies follow Zipf's law, min(active * r^-zipf / sum_r r^-zipf, highest_frequency) for the
    ranks r, in random order. A child's follows from its parent's, a follower's from its leader's.
    """
    ranks = np.arange(1, settings.width + 1) ** -settings.zipf
    frequencies = np.minimum(settings.active * ranks / ranks.sum(), settings.highest_frequency)
    shuffled = iter(random.permutation(frequencies))
    features: list[PlantedFeature] = []
    for draw_kind in (_families, _pairs, _signed, _circles, _bound, _plain):
        features.extend(draw_kind(settings, shuffled, len(features), random))
    return features


Frequencies: TypeAlias = Iterator[float]


def _families(
    settings: SyntheticSettings, frequencies: Frequencies, first: int, random: np.random.Generator
) -> Iterator[PlantedFeature]:
    for family in range(settings.families):
        parent = first + family * (1 + settings.children)
        frequency, dwell = float(next(frequencies)), _dwell(settings, random)
        yield PlantedFeature(parent, "parent", frequency, frequency, dwell)
        share = settings.child_share
        for child in range(parent + 1, parent + 1 + settings.children):
            next(frequencies)  # so that no feature's frequency depends on the number of children
            child_dwell = _log_uniform(settings.shortest, max(dwell, settings.shortest), random)
            yield PlantedFeature(
                child, "child", frequency * share, share, child_dwell, parent=parent
            )


def _pairs(
    settings: SyntheticSettings, frequencies: Frequencies, first: int, random: np.random.Generator
) -> Iterator[PlantedFeature]:
    join_share = settings.pair_correlation
    for leader in range(first, first + 2 * settings.pairs, 2):
        frequency, dwell = float(next(frequencies)), _dwell(settings, random)
        next(frequencies)
        yield PlantedFeature(leader, "leader", frequency, frequency, dwell)
        alone = (1 - join_share) * frequency
        either = 1 - (1 - alone) * (1 - join_share * frequency)
        yield PlantedFeature(leader + 1, "follower", either, alone, dwell, leader=leader)


def _signed(
    settings: SyntheticSettings, frequencies: Frequencies, first: int, random: np.random.Generator
) -> Iterator[PlantedFeature]:
    for latent in range(first, first + settings.bidirectional):
        frequency = float(next(frequencies))
        yield PlantedFeature(
            latent, "bidirectional", frequency, frequency, _dwell(settings, random)
        )


def _circles(
    settings: SyntheticSettings, frequencies: Frequencies, first: int, random: np.random.Generator
) -> Iterator[PlantedFeature]:
    for x in range(first, first + 2 * settings.circles, 2):
        frequency, dwell = float(next(frequencies)), _dwell(settings, random)
        next(frequencies)
        period = _log_uniform(settings.fastest_circle, settings.slowest_circle, random)
        for latent, partner in ((x, x + 1), (x + 1, x)):
            yield PlantedFeature(
                latent, "circle", frequency, frequency, dwell, partner=partner, period=period
            )


def _bound(
    settings: SyntheticSettings, frequencies: Frequencies, first: int, random: np.random.Generator
) -> Iterator[PlantedFeature]:
    open_share = 1 / settings.states + settings.state_leak * (1 - 1 / settings.states)
    longest = max(
        settings.shortest,
        min(settings.longest, _LARGEST_SHARE_OF_STATE_DWELL * settings.state_dwell),
    )
    for number in range(settings.state_features):
        open_frequency = min(float(next(frequencies)) / open_share, 0.5)
        yield PlantedFeature(
            first + number,
            "state",
            open_frequency * open_share,
            open_frequency,
            _log_uniform(settings.shortest, longest, random),
            state=number % settings.states,
        )


def _plain(
    settings: SyntheticSettings, frequencies: Frequencies, first: int, random: np.random.Generator
) -> Iterator[PlantedFeature]:
    for latent in range(first, settings.width):
        frequency = float(next(frequencies))
        yield PlantedFeature(latent, "plain", frequency, frequency, _dwell(settings, random))


def _dwell(settings: SyntheticSettings, random: np.random.Generator) -> float:
    return _log_uniform(settings.shortest, settings.longest, random)


def _log_uniform(low: float, high: float, random: np.random.Generator) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))
