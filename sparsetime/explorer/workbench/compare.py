"""Two dictionaries, atom by atom: what both have, what one splits, what only one has."""

from __future__ import annotations

import numpy as np

from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.feature_list import lines
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


def compare(opened: RunCache, left: str, right: str, shown: int = SHOWN) -> CompareView:
    """Match the living features of two dictionaries by the cosine of their atoms.

    Shared are pairs that are each other's nearest with a cosine of at least THRESHOLD. A feature
    is split where two or more on the other side have it as their nearest with such a cosine. Only
    on one side are features with none so near. The nearest are kept beside the run; see
    `neighbours`. shown: the most entries of each list.

    Errors: UnknownNameError for a dictionary that the run does not show; MismatchError where the
    two are of activations of different width.
    """
    matches = opened.neighbours(left, right)
    here, there = matches.living
    near, near_back = matches.cosine >= THRESHOLD, matches.back >= THRESHOLD
    mutual = matches.to_left[matches.to_right] == np.arange(len(here)) if len(there) else near
    pairs = np.flatnonzero(mutual & near)
    best = pairs[np.argsort(-matches.cosine[pairs], kind="stable")][:shown]
    matched = zip(
        lines(opened, left, here[best].tolist()),
        lines(opened, right, there[matches.to_right[best]].tolist()),
        matches.cosine[best].tolist(),
        strict=True,
    )
    splits_right = _splits(
        opened, (right, left), (there, here), matches.to_right, matches.cosine, shown
    )
    splits_left = _splits(
        opened, (left, right), (here, there), matches.to_left, matches.back, shown
    )
    edges = np.linspace(0, 1, 41)
    counts = np.histogram(np.clip(matches.cosine, 0, 1), edges)[0]
    return CompareView(
        left=left,
        right=right,
        threshold=THRESHOLD,
        shared=len(pairs),
        split_left=splits_left[0],
        split_right=splits_right[0],
        only_left=int((~near).sum()),
        only_right=int((~near_back).sum()),
        cosines=Histogram(edges=edges.tolist(), counts=counts.tolist()),
        matches=[Match(left=a, right=b, cosine=c) for a, b, c in matched],
        splits_left=splits_left[1],
        splits_right=splits_right[1],
        alone_left=_loneliest(opened, left, here, matches.cosine, shown),
        alone_right=_loneliest(opened, right, there, matches.back, shown),
    )


def _splits(
    opened: RunCache,
    keys: tuple[str, str],
    living: tuple[np.ndarray, np.ndarray],
    place: np.ndarray,
    cosine: np.ndarray,
    most: int,
) -> tuple[int, list[SplitFeature]]:
    """Features of the first side that several of the second have as their nearest; the most first.

    place, cosine: of each living feature of the second side, its nearest on the first.
    """
    near = cosine >= THRESHOLD
    count = np.bincount(place[near], minlength=len(living[0]))
    split = np.flatnonzero(count > 1)
    shown = split[np.argsort(-count[split], kind="stable")][:most]
    splits = []
    for at in shown.tolist():
        parts = np.flatnonzero(near & (place == at))
        parts = parts[np.argsort(-cosine[parts], kind="stable")][:_PARTS_SHOWN]
        splits.append(
            SplitFeature(
                of=int(count[at]),
                whole=lines(opened, keys[0], [int(living[0][at])])[0],
                parts=lines(opened, keys[1], living[1][parts].tolist()),
                cosines=cosine[parts].tolist(),
            )
        )
    return len(split), splits


def _loneliest(
    opened: RunCache, key: str, living: np.ndarray, cosine: np.ndarray, most: int
) -> list[FeatureLine]:
    """The features with the least like them on the other side."""
    order = np.argsort(cosine, kind="stable")[:most]
    return lines(opened, key, living[order[cosine[order] < THRESHOLD]].tolist())
