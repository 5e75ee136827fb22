"""Ranking by sparse codes: reciprocal rank, the postings that a query reads, and equal cost."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from sparsetime.errors import ConfigError, MismatchError

_HALVINGS = 40


def reciprocal_ranks(
    scores: Float[np.ndarray, "queries documents"], relevant: Int[np.ndarray, " relevant"]
) -> Float[np.ndarray, " queries"]:
    """1 / rank of each query's document; of documents with equal scores it is the middle one.

        rank = 1 + documents that score more + half of the others that score as much

    Its mean is the mean reciprocal rank. Errors: MismatchError for other numbers of queries.
    """
    if len(scores) != len(relevant):
        raise MismatchError(
            f"got scores of {len(scores)} queries and documents of {len(relevant)}, expected as "
            "many"
        )
    own = scores[np.arange(len(scores)), relevant][:, None]
    ranks = 1 + (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2
    return np.asarray(1 / ranks)


def posting_cost(queries: Any, documents: Any) -> float:
    """Postings that a query reads, over the number of documents: terms in common, in the mean.

        cost = mean over queries q and documents d of sum_j [q_j > 0] [d_j > 0]

    queries, documents: codes, scipy CSR [texts, terms]. Source: as FLOPS in Formal et al. 2022.
    """
    read, held = ((side != 0).sum(axis=0) for side in (queries, documents))
    total = float(np.asarray(read).ravel() @ np.asarray(held).ravel())
    return total / float(queries.shape[0] * documents.shape[0])


def pruned_to_cost(queries: Any, documents: Any, cost: float) -> tuple[Any, Any]:
    """Queries and documents without their smallest values, so that the posting cost is `cost`.

    One threshold, a share of each text's largest value, holds for all. Codes that cost less stay;
    of values that are as large all are left out. Each text keeps its largest value, so that a cost
    below that of these alone is not reached.

    Errors: ConfigError for a cost that is not positive.
    """
    if not cost > 0:
        raise ConfigError(f"got cost={cost}, expected more than 0 terms in common")
    if posting_cost(queries, documents) <= cost:
        return queries, documents
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        sides = [_above(side, middle) for side in (queries, documents)]
        low, high = (middle, high) if posting_cost(*sides) > cost else (low, middle)
    pruned = [_above(side, high) for side in (queries, documents)]
    return pruned[0], pruned[1]


def _above(codes: Any, share: float) -> Any:
    kept = codes.tocsr().copy()
    peaks = np.asarray(kept.max(axis=1).todense()).ravel()
    kept.data = kept.data * (kept.data >= share * np.repeat(peaks, np.diff(kept.indptr)))
    kept.eliminate_zeros()
    return kept
