"""Hierarchy: AUROC of planted parents among all features, from the code alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.metrics.temporal.planted_recovery import firing, matched_sequences
from sparsetime.metrics.temporal.sequences import Lengths, Sequences
from sparsetime.statistics.estimate import Estimate, estimate, mean_over_features, ratio
from sparsetime.testbeds.atom_recovery import FOUND_ABOVE, Recovery

_NULL = "parents drawn at random"


@final
@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Recovery of the planted hierarchy.

    score: AUROC of the parent among all features, ranked by the lift that the child's latent gives
    theirs; mean over children. 1 where the parent has the largest lift, 0.5 by chance. truth: the
    same of the true code, the largest possible value.
    contained: share of a child's latent's steps on
    which its parent's is on too, mean over children; its null takes other features for parents.
    children: how many child and parent pairs are recovered.
    """

    score: Estimate
    contained: Estimate
    truth: float
    children: int


def hierarchy(
    code: SparseCode,
    true_code: SparseCode,
    match: Recovery,
    parents: Int[np.ndarray, " true"],
    lengths: Lengths = None,
    seed: int = 0,
) -> Hierarchy:
    """Recovery of the hierarchy of planted features.

    score = mean over children c of the AUROC of parent(c) by lift(c, j).
    lift(c, j) = P(j active | c active) - P(j active), for the latents of recovered features.

    parents: of each true feature the number of its parent, -1 for none (the column `parent` of
    `SyntheticData.features`). Only features with a match of a cosine above 0.9 count, so the score
    is blind to children that are not recovered. Source of AUROC: Hanley and McNeil 1982, "The
    meaning and use of the area under a ROC curve".

    Errors: as `planted_recovery`; DataError where no child is recovered together with its parent.
    """
    sequences, truth = matched_sequences(code, true_code, match, lengths)
    recovered = match.cosine.numpy() > FOUND_ABOVE
    child, parent = recovered_pairs(parents, recovered)
    kept = np.flatnonzero(recovered)
    place = np.full(len(recovered), -1)
    place[kept] = np.arange(len(kept))
    child, parent = place[child], place[parent]
    together = _together(sequences, match.matched.numpy()[kept])
    steps = np.bincount(
        sequences.group_of_sequence, weights=sequences.lengths, minlength=sequences.groups
    )

    def score(weights: Float[np.ndarray, "draws groups"]) -> Float[np.ndarray, " draws"]:
        drawn = zip(np.tensordot(weights, together, 1), weights @ steps, strict=True)
        return np.array([_parent_rank(counts, of, child, parent) for counts, of in drawn])

    def contained(weights: Float[np.ndarray, "draws groups"]) -> Float[np.ndarray, " draws"]:
        drawn = np.tensordot(weights, together, 1)
        inside = ratio(drawn[:, child, parent], drawn[:, child, child])
        return mean_over_features(inside)

    whole = together.sum(axis=0)
    others = np.ones((len(child), len(kept)), dtype=bool)
    others[np.arange(len(child)), child] = False
    others[np.arange(len(child)), parent] = False
    on = np.diagonal(whole)[child]
    unrelated = ratio(whole[child], np.broadcast_to(on[:, None], others.shape))[others]
    chance = float(mean_over_features(unrelated[None])[0])
    return Hierarchy(
        estimate(score, sequences.groups, 0.5, _NULL, seed),
        estimate(contained, sequences.groups, chance, _NULL, seed),
        _parent_rank(_together(truth, kept).sum(axis=0), float(steps.sum()), child, parent),
        len(child),
    )


def recovered_pairs(
    parents: Int[np.ndarray, " true"], recovered: np.ndarray
) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]:
    """Children and their parents, of which both are found.

    Errors: DataError where there is none, or not a parent for every feature.
    """
    if len(parents) != len(recovered):
        raise DataError(
            f"there are parents of {len(parents)} features and {len(recovered)} true features; "
            f"give each one, -1 for none"
        )
    child = np.flatnonzero(parents >= 0)
    both = recovered[child] & recovered[parents[child]]
    if not both.any():
        raise DataError(
            f"of {len(child)} children none is recovered together with its parent (cosine above "
            f"{FOUND_ABOVE}), so nothing can be said of the hierarchy"
        )
    child = child[both]
    return child, parents[child]


def _together(
    sequences: Sequences, latents: Int[np.ndarray, " kept"]
) -> Float[np.ndarray, "groups kept kept"]:
    """On how many steps two latents are on together, by group; the diagonal: one alone."""
    on = firing(sequences, latents).tocsr()
    group = sequences.group_of_row
    parts = [on[np.flatnonzero(group == n)] for n in range(sequences.groups)]
    return np.stack([np.asarray((part.T @ part).todense()) for part in parts])


def _parent_rank(
    together: Float[np.ndarray, "kept kept"],
    steps: float,
    child: Int[np.ndarray, " pairs"],
    parent: Int[np.ndarray, " pairs"],
) -> float:
    """The share of other features that a child makes less sure than its parent, ties half.

    Mean over the children that fire.
    """
    on = np.diagonal(together)
    surer = ratio(together[child], np.broadcast_to(on[child, None], (len(child), len(on))))
    surer = surer - on / steps
    pair = np.arange(len(child))
    of_parent = surer[pair, parent]
    surer[pair, child] = surer[pair, parent] = np.nan
    less = (surer < of_parent[:, None]) + 0.5 * (surer == of_parent[:, None])
    rank = ratio(less.sum(axis=1), np.isfinite(surer).sum(axis=1).astype(float))
    return float(mean_over_features(rank[None])[0])
