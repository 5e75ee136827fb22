"""Two dictionaries, atom by atom: what both have, what one splits, what only one has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.feature_list import lines
from sparsetime.explorer.workbench.recording_labels import RecordingRates
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import FeatureLine, Histogram

THRESHOLD = 0.7
SHOWN, MOST_SHOWN = 60, 2000  # entries of each list
_PARTS_SHOWN = 8  # of a split feature


class Match(FrozenRecord):
    """A feature on the left and its nearest atom on the right."""

    left: FeatureLine
    right: FeatureLine
    cosine: float


class SplitFeature(FrozenRecord):
    """A feature of one side, and those of the other that all have it as their nearest."""

    whole: FeatureLine
    of: int  # how many those are, of which `parts` are the nearest
    parts: list[FeatureLine]
    cosines: list[float]  # of each part and the whole


class CompareView(FrozenRecord):
    """Two dictionaries matched atom to atom."""

    left: Text
    right: Text
    threshold: float
    shared: int  # pairs
    split_left: int  # features on the left that two or more on the right stand for
    split_right: int
    only_left: int
    only_right: int
    cosines: Histogram  # of each living left feature and its nearest
    matches: list[Match]
    splits_left: list[SplitFeature]
    splits_right: list[SplitFeature]
    alone_left: list[FeatureLine]
    alone_right: list[FeatureLine]
    split_values: list[Text]  # of the label by which lines hold densities


@final
@dataclass(frozen=True)
class _Side:
    """One dictionary: its living features, and which of them are listed."""

    opened: RunCache
    key: str
    living: Int[np.ndarray, " living"]
    listed: Bool[np.ndarray, " living"]
    rates: RecordingRates

    @staticmethod
    def of(
        opened: RunCache, key: str, living: Int[np.ndarray, " living"], only: str, split: str
    ) -> _Side:
        rates = RecordingRates.of(opened, key, only, split)
        return _Side(opened, key, living, rates.listed[living], rates)

    def lines(self, places: Int[np.ndarray, " some"]) -> list[FeatureLine]:
        """The lines of living features at these places."""
        shown = lines(self.opened, self.key, self.living[places].tolist())
        return [self.rates.applied(line) for line in shown]


def compare(
    opened: RunCache, left: str, right: str, shown: int = SHOWN, only: str = "", split: str = ""
) -> CompareView:
    """Match the living features of two dictionaries by the cosine of their atoms.

    Shared are pairs that are each other's nearest with a cosine of at least THRESHOLD. A feature
    is split where two or more on the other side have it as their nearest with such a cosine. Only
    on one side are features with none so near. The nearest are kept beside the run; see
    `neighbours`. shown: the most entries of each list. only: a condition `label:value`; features
    that are silent in the recordings with it are left out on both sides, and densities are of
    those. split: a label, by whose values each line holds densities.

    Errors: UnknownNameError for a dictionary that the run does not show, or a label or value that
    its recordings do not have; ConfigError for text that is no condition; MismatchError where the
    two are of activations of different width.
    """
    matches = opened.neighbours(left, right)
    here, there = (
        _Side.of(opened, key, living, only, split)
        for key, living in zip((left, right), matches.living, strict=True)
    )
    near = (matches.cosine >= THRESHOLD) & here.listed
    near_back = (matches.back >= THRESHOLD) & there.listed
    pairs = near
    if len(there.living):
        mutual = matches.to_left[matches.to_right] == np.arange(len(here.living))
        pairs = near & mutual & there.listed[matches.to_right]
    paired = np.flatnonzero(pairs)
    best = paired[np.argsort(-matches.cosine[paired], kind="stable")][:shown]
    matched = zip(
        here.lines(best),
        there.lines(matches.to_right[best]),
        matches.cosine[best].tolist(),
        strict=True,
    )
    splits_right = _splits(there, here, matches.to_right, (matches.cosine, near), shown)
    splits_left = _splits(here, there, matches.to_left, (matches.back, near_back), shown)
    alone_left = here.listed & (matches.cosine < THRESHOLD)
    alone_right = there.listed & (matches.back < THRESHOLD)
    edges = np.linspace(0, 1, 41)
    counts = np.histogram(np.clip(matches.cosine[here.listed], 0, 1), edges)[0]
    return CompareView(
        left=left,
        right=right,
        threshold=THRESHOLD,
        shared=len(paired),
        split_left=splits_left[0],
        split_right=splits_right[0],
        only_left=int(alone_left.sum()),
        only_right=int(alone_right.sum()),
        cosines=Histogram(edges=edges.tolist(), counts=counts.tolist()),
        matches=[Match(left=a, right=b, cosine=c) for a, b, c in matched],
        splits_left=splits_left[1],
        splits_right=splits_right[1],
        alone_left=_loneliest(here, alone_left, matches.cosine, shown),
        alone_right=_loneliest(there, alone_right, matches.back, shown),
        split_values=here.rates.values,
    )


def _splits(
    own: _Side,
    other: _Side,
    place: Int[np.ndarray, " living"],
    nearest: tuple[Float[np.ndarray, " living"], Bool[np.ndarray, " living"]],
    most: int,
) -> tuple[int, list[SplitFeature]]:
    """Listed features of a side that several of the other have as their nearest; the most first.

    place, nearest: of each living feature of the other side its nearest here, the cosine, and
    whether it is listed and near enough.
    """
    cosine, near = nearest
    count = np.bincount(place[near], minlength=len(own.living))
    split = np.flatnonzero((count > 1) & own.listed)
    shown = split[np.argsort(-count[split], kind="stable")][:most]
    splits = []
    for at in shown.tolist():
        parts = np.flatnonzero(near & (place == at))
        parts = parts[np.argsort(-cosine[parts], kind="stable")][:_PARTS_SHOWN]
        splits.append(
            SplitFeature(
                of=int(count[at]),
                whole=own.lines(np.array([at]))[0],
                parts=other.lines(parts),
                cosines=cosine[parts].tolist(),
            )
        )
    return len(split), splits


def _loneliest(
    side: _Side,
    alone: Bool[np.ndarray, " living"],
    cosine: Float[np.ndarray, " living"],
    most: int,
) -> list[FeatureLine]:
    """The features with the least like them on the other side."""
    places = np.flatnonzero(alone)
    return side.lines(places[np.argsort(cosine[places], kind="stable")][:most])
