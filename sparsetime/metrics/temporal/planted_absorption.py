"""Absorption of planted parents: a parent's latent is silent while a child's latent fires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int

from sparsetime.codes import SparseCode
from sparsetime.metrics.temporal.hierarchy import recovered_pairs
from sparsetime.metrics.temporal.planted_recovery import firing, matched_sequences
from sparsetime.metrics.temporal.sequences import Lengths, Sequences
from sparsetime.statistics.estimate import Estimate, estimate, ratio, ratio_of
from sparsetime.testbeds.atom_recovery import FOUND_ABOVE, Recovery

_NULL = "parents' latents as silent as while no child is active, where the child's latent fires"


@final
@dataclass(frozen=True, eq=False)
class PlantedAbsorption:
    """Rate of absorption of parents by their children.

    rate: of the steps on which a child is on, and so its parent, those on which the child's latent
    fires and the parent's does not; all pairs together. child, parent: true features of each pair;
    by_pair: its rate, null_by_pair: the same if the parent's latent were silent no more often than
    while none of its children is on. NaN where there is no such step.
    """

    rate: Estimate
    child: Int[np.ndarray, " pairs"]
    parent: Int[np.ndarray, " pairs"]
    by_pair: Float[np.ndarray, " pairs"]
    null_by_pair: Float[np.ndarray, " pairs"]


def planted_absorption(
    code: SparseCode,
    true_code: SparseCode,
    match: Recovery,
    parents: Int[np.ndarray, " true"],
    lengths: Lengths = None,
    seed: int = 0,
) -> PlantedAbsorption:
    """Absorption of planted parents by their children.

    rate = #(child on, its latent fires, the parent's latent silent) / #(child on), over steps.

    parents: of each true feature the number of its parent, -1 for none. Only pairs of which both
    are recovered (a match of a cosine above 0.9) count: absorption of a parent without a match is
    undefined. From 0 to 1; blind to partial suppression of the parent's value. Absorption: Chanin
    et al. 2024, "A is for absorption: studying feature splitting and absorption in sparse
    autoencoders", who must find parents by probes; here they are known.

    A threshold makes any latent silent at times, so compare with the null: how often the child's
    latent fires on the child's steps, times how often the parent's is silent on those of its steps
    on which no child of it is on (another child may absorb it as well).

    Errors: as `hierarchy`.
    """
    sequences, truth = matched_sequences(code, true_code, match, lengths)
    matched = match.matched.numpy()
    child, parent = recovered_pairs(parents, match.cosine.numpy() > FOUND_ABOVE)
    with_child, with_parent = firing(truth, child), firing(truth, parent)
    of_child, of_parent = firing(sequences, matched[child]), firing(sequences, matched[parent])
    spoken_for = with_child.multiply(of_child)
    absorbed = _summed(truth, spoken_for - spoken_for.multiply(of_parent))
    steps, spoken = _summed(truth, with_child), _summed(truth, spoken_for).sum(axis=0)
    alone = with_parent - with_parent.multiply(_with_any_child(truth, parents, parent))
    silent = _summed(truth, alone - alone.multiply(of_parent)).sum(axis=0)
    expected = spoken * ratio(silent, _summed(truth, alone).sum(axis=0))
    pair_steps, finite = steps.sum(axis=0), np.isfinite(expected)
    null = float(
        ratio(expected[finite].sum(keepdims=True), pair_steps[finite].sum(keepdims=True))[0]
    )
    return PlantedAbsorption(
        estimate(
            ratio_of(absorbed.sum(axis=1), steps.sum(axis=1)), truth.groups, null, _NULL, seed
        ),
        child,
        parent,
        ratio(absorbed.sum(axis=0), pair_steps),
        ratio(expected, pair_steps),
    )


def _with_any_child(
    truth: Sequences, parents: Int[np.ndarray, " true"], parent: Int[np.ndarray, " pairs"]
) -> Any:
    """Where any child of each pair's parent is on, found or not, as ones, [rows, pairs]."""
    children = np.flatnonzero(parents >= 0)
    is_child_of = (parents[children][:, None] == parent).astype(float)
    return (firing(truth, children) @ is_child_of > 0).astype(float)


def _summed(sequences: Sequences, on: Any) -> Float[np.ndarray, "groups pairs"]:
    """How many steps are marked, by group of sequences and column."""
    from scipy.sparse import csr_matrix

    rows = sequences.code.rows
    group = csr_matrix(
        (np.ones(rows), (sequences.group_of_row, np.arange(rows))), shape=(sequences.groups, rows)
    )
    return np.asarray((group @ on).todense(), dtype=float)
