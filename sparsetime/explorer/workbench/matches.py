"""Features of two dictionaries matched, with a null, and features followed over several."""

from __future__ import annotations

import itertools

import numpy as np

from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.feature_list import lines
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import FeatureLine, Histogram
from sparsetime.matching.flow import THRESHOLD, FeatureFlow
from sparsetime.matching.matches import FeatureMatches

SHOWN, MOST_SHOWN = 200, 5000
CHAINS = 200


class MatchedFeature(FrozenRecord):
    """A feature on the left, the most similar one on the right, and the null of that similarity."""

    left: FeatureLine
    right: FeatureLine
    similarity: float
    null: float
    beyond_null: bool
    mutual: bool


class MatchView(FrozenRecord):
    """Two dictionaries matched; the most similar features first."""

    left: Text
    right: Text
    by: Text
    null_is: Text
    features: int  # on the left
    mutual: int
    beyond_null: int
    similarities: Histogram
    nulls: Histogram
    matches: list[MatchedFeature]


class FlowStage(FrozenRecord):
    """One dictionary of a flow, and what becomes of its features in the next."""

    key: Text
    features: int
    born: int  # without a similar one in the stage before
    ended: int  # without one in the next
    split: int  # that are the nearest of two or more of the next


class FlowChain(FrozenRecord):
    """A feature of the first stage and its nearest in each further one, until none is similar.

    similarity: of each link, one less than features.
    """

    features: list[FeatureLine]
    similarity: list[float]


class FlowView(FrozenRecord):
    """Features followed over dictionaries of one activation space, the longest chains first."""

    threshold: float
    stages: list[FlowStage]
    chains: list[FlowChain]
    of_chains: int


def matches(
    opened: RunCache, left: str, right: str, by: str = "atoms", shown: int = SHOWN
) -> MatchView:
    """Match two dictionaries; see `st.match`. shown: the most pairs that are listed.

    Errors: UnknownNameError for a dictionary that the run does not show; those of `st.match`.
    """
    found = opened.matches(left, right, by)
    order = np.argsort(-found.similarity, kind="stable")[:shown]
    pairs = zip(
        lines(opened, left, found.left[order].tolist()),
        lines(opened, right, found.to_right[order].tolist()),
        order.tolist(),
        strict=True,
    )
    edges = np.linspace(min(0.0, float(found.similarity.min()), float(found.null.min())), 1, 41)
    return MatchView(
        left=left,
        right=right,
        by=by,
        null_is=found.null_is,
        features=len(found.left),
        mutual=int(found.mutual.sum()),
        beyond_null=int(found.beyond_null.sum()),
        similarities=_histogram(found.similarity, edges),
        nulls=_histogram(found.null, edges),
        matches=[
            MatchedFeature(
                left=a,
                right=b,
                similarity=float(found.similarity[at]),
                null=float(found.null_largest[at]),
                beyond_null=bool(found.beyond_null[at]),
                mutual=bool(found.mutual[at]),
            )
            for a, b, at in pairs
        ],
    )


def flow(opened: RunCache, keys: list[str], by: str = "atoms") -> FlowView:
    """Follow features over dictionaries in this order; see `st.matching.feature_flow`.

    Errors: those of `matches`.
    """
    found: list[FeatureMatches] = [opened.matches(a, b, by) for a, b in itertools.pairwise(keys)]
    followed = FeatureFlow(tuple(keys), tuple(found), THRESHOLD)
    chains = followed.chains()
    length = (chains >= 0).sum(1)
    similarity = np.ones((len(chains), len(keys)))
    for stage, one in enumerate(found):
        place = np.searchsorted(one.left, np.maximum(chains[:, stage], 0)).clip(
            0, len(one.left) - 1
        )
        linked = chains[:, stage + 1] >= 0
        similarity[linked, stage + 1] = one.similarity[place[linked]]
    order = np.lexsort((-similarity.mean(1), -length))[:CHAINS]
    listed = []
    for at in order.tolist():
        stages = range(int(length[at]))
        listed.append(
            FlowChain(
                features=[lines(opened, keys[s], [int(chains[at, s])])[0] for s in stages],
                similarity=[float(similarity[at, s]) for s in stages if s],
            )
        )
    last = len(keys) - 1
    return FlowView(
        threshold=THRESHOLD,
        stages=[
            FlowStage(
                key=key,
                features=len(found[s].left if s < last else found[s - 1].right),
                born=len(followed.born(s)) if s else 0,
                ended=len(followed.ended(s)) if s < last else 0,
                split=len(followed.split(s)) if s < last else 0,
            )
            for s, key in enumerate(keys)
        ],
        chains=listed,
        of_chains=len(chains),
    )


def _histogram(values: np.ndarray, edges: np.ndarray) -> Histogram:
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    return Histogram(edges=edges.tolist(), counts=counts.tolist())
