"""Which features a segment of time has to itself."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from sparsetime.codes import SparseCode


def enrichment(
    code: SparseCode, density: Float[np.ndarray, " width"]
) -> tuple[Int[np.ndarray, " awake"], Float[np.ndarray, " awake"]]:
    """The features that fire more in this segment than in the corpus, the most surprising first.

    `code` has shape (time,); `density` is each feature's share of the corpus's steps. With p the
    share of the segment's n steps on which a feature fires and q its density, the score in nats is
    n (p log(p/q) + (1 - p) log((1 - p)/(1 - q))), the binomial log-likelihood ratio, whose double
    is the G statistic (Dunning 1993). Features with p <= q are left out.
    """
    n = max(code.rows, 1)
    count = np.bincount(code.indices.cpu().numpy(), minlength=code.width)
    p = count / n
    awake = np.flatnonzero(p > density)
    p, q = p[awake], np.clip(density[awake], 1e-12, 1 - 1e-12)
    silent = 1 - p
    off = np.where(silent > 0, silent * np.log(np.maximum(silent, 1e-300) / (1 - q)), 0.0)
    nats = n * (p * np.log(p / q) + off)
    order = np.lexsort((awake, -nats))
    return awake[order], nats[order]
