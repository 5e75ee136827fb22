"""Who plays in Orchestra: how often and how long each feature is on, and what it hangs on."""

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
_FASTER = 0.1  # what hangs on the slow state dwells at most this part of the state's own dwell


@final
@dataclass(frozen=True)
class PlantedFeature:
    """One latent of the true code.

    frequency: the expected share of steps at which it is on. dwell: the mean length of its own
    segments in steps, before its parent or the state cut them. own_frequency: of those segments.
    parent, leader, partner: the latent it hangs on, follows, or shares a circle with; -1 for none.
    state: the slow state it is bound to, -1 for none. period: steps in one turn of a circle, 0
    for what is none.
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
    """Every feature, those behind the ones that they hang on.

    Independent features take their frequencies from Zipf's law in an order of chance; a child's
    follows from its parent's, a follower's from its leader's.
    """
    ranks = np.arange(1, settings.width + 1) ** -settings.zipf
    frequencies = np.minimum(settings.active * ranks / ranks.sum(), settings.highest_frequency)
    drawn = iter(random.permutation(frequencies))
    features: list[PlantedFeature] = []
    for made in (_families, _pairs, _signed, _circles, _bound, _plain):
        features.extend(made(settings, drawn, len(features), random))
    return features


Drawn: TypeAlias = Iterator[float]


def _families(
    settings: SyntheticSettings, drawn: Drawn, first: int, random: np.random.Generator
) -> Iterator[PlantedFeature]:
    for family in range(settings.families):
        parent = first + family * (1 + settings.children)
        often, dwell = float(next(drawn)), _dwell(settings, random)
        yield PlantedFeature(parent, "parent", often, often, dwell)
        share = settings.child_share
        for child in range(parent + 1, parent + 1 + settings.children):
            next(drawn)  # so that no feature's frequency depends on how many children others have
            own = _log_uniform(settings.shortest, max(dwell, settings.shortest), random)
            yield PlantedFeature(child, "child", often * share, share, own, parent=parent)


def _pairs(
    settings: SyntheticSettings, drawn: Drawn, first: int, random: np.random.Generator
) -> Iterator[PlantedFeature]:
    joins = settings.pair_correlation
    for leader in range(first, first + 2 * settings.pairs, 2):
        often, dwell = float(next(drawn)), _dwell(settings, random)
        next(drawn)
        yield PlantedFeature(leader, "leader", often, often, dwell)
        own = (1 - joins) * often
        together = 1 - (1 - own) * (1 - joins * often)
        yield PlantedFeature(leader + 1, "follower", together, own, dwell, leader=leader)


def _signed(
    settings: SyntheticSettings, drawn: Drawn, first: int, random: np.random.Generator
) -> Iterator[PlantedFeature]:
    for latent in range(first, first + settings.bidirectional):
        often = float(next(drawn))
        yield PlantedFeature(latent, "bidirectional", often, often, _dwell(settings, random))


def _circles(
    settings: SyntheticSettings, drawn: Drawn, first: int, random: np.random.Generator
) -> Iterator[PlantedFeature]:
    for x in range(first, first + 2 * settings.circles, 2):
        often, dwell = float(next(drawn)), _dwell(settings, random)
        next(drawn)
        period = _log_uniform(settings.fastest_circle, settings.slowest_circle, random)
        for latent, partner in ((x, x + 1), (x + 1, x)):
            yield PlantedFeature(
                latent, "circle", often, often, dwell, partner=partner, period=period
            )


def _bound(
    settings: SyntheticSettings, drawn: Drawn, first: int, random: np.random.Generator
) -> Iterator[PlantedFeature]:
    open_share = 1 / settings.states + settings.state_leak * (1 - 1 / settings.states)
    longest = max(settings.shortest, min(settings.longest, _FASTER * settings.state_dwell))
    for number in range(settings.state_features):
        own = min(float(next(drawn)) / open_share, 0.5)
        yield PlantedFeature(
            first + number,
            "state",
            own * open_share,
            own,
            _log_uniform(settings.shortest, longest, random),
            state=number % settings.states,
        )


def _plain(
    settings: SyntheticSettings, drawn: Drawn, first: int, random: np.random.Generator
) -> Iterator[PlantedFeature]:
    for latent in range(first, settings.width):
        often = float(next(drawn))
        yield PlantedFeature(latent, "plain", often, often, _dwell(settings, random))


def _dwell(settings: SyntheticSettings, random: np.random.Generator) -> float:
    return _log_uniform(settings.shortest, settings.longest, random)


def _log_uniform(low: float, high: float, random: np.random.Generator) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))
