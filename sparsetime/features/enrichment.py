"""Enrichment of features in a segment of time over the corpus, by the log-likelihood ratio."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from sparsetime.codes import SparseCode


def enrichment(
    code: SparseCode, density: Float[np.ndarray, " width"]
) -> tuple[Int[np.ndarray, " enriched"], Float[np.ndarray, " enriched"]]:
    """Features that are active more in a segment than in the corpus, and by how many nats.

    `code` has shape (time,); `density` is each feature's share of the corpus's steps. With p the
    share of the segment's n steps on which a feature is active, and q its density, the score is

        n (p log(p / q) + (1 - p) log((1 - p) / (1 - q))),

    the binomial log-likelihood ratio, whose double is the G statistic (Dunning 1993, "Accurate
    methods for the statistics of surprise and coincidence"). Features with p <= q are left out;
    the largest score comes first.
    """
    n = max(code.rows, 1)
    count = np.bincount(code.indices.cpu().numpy(), minlength=code.width)
    p = count / n
    enriched = np.flatnonzero(p > density)
    p, q = p[enriched], np.clip(density[enriched], 1e-12, 1 - 1e-12)
    rest = 1 - p
    inactive = np.where(rest > 0, rest * np.log(np.maximum(rest, 1e-300) / (1 - q)), 0.0)
    nats = n * (p * np.log(p / q) + inactive)
    order = np.lexsort((enriched, -nats))
    return enriched[order], nats[order]
