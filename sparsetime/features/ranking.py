"""Ranking of features by how much they say about their word or their document."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from sparsetime.features.arrow_numpy import to_numpy

FEWEST_STEPS = 20
TOO_DENSE = 0.1


def most_informative(features: pa.Table, n: int = 30) -> Int[np.ndarray, " n"]:
    """The numbers of the `n` most informative features, best first.

    A feature is informative when its activity predicts the word it stands on (a fast feature) or
    the document it is in (a slow one): its `word_information` or `document_information`,
    nats above chance (see `association.information`), times the logarithm of the times it was
    seen: its steps for words, its runs for documents. The logarithm keeps a feature that met one
    rare word thirty times from beating one that met a frequent word three thousand times.

    Left out are features that are active on fewer than 20 steps, or on a tenth of all steps or
    more. The two rankings take turns, so that both fast and slow features appear; ties go to the
    lower number. Fewer than `n` where fewer qualify. Where neither ranking exists (no text, and
    one sequence only) the features come by the number of their active steps.
    """
    count = to_numpy(features, "count").astype(float)
    density = to_numpy(features, "density")
    fit = np.flatnonzero((count >= FEWEST_STEPS) & (density < TOO_DENSE))
    runs = to_numpy(features, "runs").astype(float)
    scores = [
        to_numpy(features, "word_information") * np.log1p(count),
        to_numpy(features, "document_information") * np.log1p(runs),
    ]
    rankings = [_ranked(score, fit) for score in scores if np.isfinite(score[fit]).any()]
    rankings = rankings or [_ranked(count, fit)]
    chosen: dict[int, None] = {}
    for place in range(len(fit)):
        for ranking in rankings:
            if place < len(ranking) and len(chosen) < n:
                chosen.setdefault(int(ranking[place]))
    return np.array(list(chosen), dtype=np.int64)


def _ranked(score: np.ndarray, fit: Int[np.ndarray, " candidates"]) -> Int[np.ndarray, " known"]:
    finite = fit[np.isfinite(score[fit])]
    ranked: Int[np.ndarray, " known"] = finite[np.lexsort((finite, -score[finite]))]
    return ranked
