"""Features as detectors of a label: value and threshold from one half, scores from the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from sparsetime.features.feature_entries import FeatureEntries
from sparsetime.features.labels import label_loops
from sparsetime.features.labels.halves import Halves
from sparsetime.features.labels.label_column import LabelColumn
from sparsetime.features.labels.label_null import auroc, null_auroc
from sparsetime.statistics.estimate import ratio
from sparsetime.statistics.false_discovery import benjamini_hochberg, pooled_p_values

LEVELS = 16  # thresholds that are tried: quantiles of a feature's activation values
FEWEST_STEPS = 10  # active steps with the label, below which nothing is tested


@final
@dataclass(frozen=True)
class Detectors:
    """One detector a feature, of one label; NaN where the feature detects nothing.

    low, high: the value or range of bins, -1 for none. phi: correlation on the choosing half.
    threshold: of |activation value|. precision, recall, auroc: on the scoring half. base: share of
    its rows with the value. null_auroc, null_sd: over the draws of the null. p, q: against the
    null, corrected for the number of features. steps: active rows. tuning: share of the rows with
    each value on which the feature is active, float32 [width, values].
    """

    low: Int[np.ndarray, " width"]
    high: Int[np.ndarray, " width"]
    phi: Float[np.ndarray, " width"]
    threshold: Float[np.ndarray, " width"]
    precision: Float[np.ndarray, " width"]
    recall: Float[np.ndarray, " width"]
    auroc: Float[np.ndarray, " width"]
    base: Float[np.ndarray, " width"]
    null_auroc: Float[np.ndarray, " width"]
    null_sd: Float[np.ndarray, " width"]
    p: Float[np.ndarray, " width"]
    q: Float[np.ndarray, " width"]
    steps: Int[np.ndarray, " width"]
    tuning: Float[np.ndarray, "width values"]


@final
class DetectorScorer:
    """Scores of features, one label at a time; what does not depend on the label is kept."""

    def __init__(self, entries: FeatureEntries, halves: Halves) -> None:
        self._halves = halves
        self._choosing = entries.on(halves.choosing)
        self._scoring = entries.on(halves.scoring)
        self._level, self._least = label_loops.levels(
            self._choosing.offsets, self._choosing.value, LEVELS
        )

    def score(self, column: LabelColumn, draws: int, seed: int) -> Detectors:
        """The detector of each feature with the largest phi on the choosing half, scored.

            phi = (TP N - F P) / sqrt(F (N - F) P (N - P))

        (Matthews correlation) for TP of F active rows among P of N rows with the value, over all
        values (of a number: all ranges of bins) and 16 thresholds.
        """
        chosen, scored = self._choosing, self._scoring
        steps = column.steps(self._halves.choosing)
        low, high, level, phi = label_loops.choose(
            *(chosen.offsets, chosen.row, self._level, LEVELS, column.code),
            *(steps, int(column.background), column.is_numeric),
        )
        threshold = self._least[np.arange(len(level)), np.maximum(level, 0)].astype(np.float64)
        threshold[level < 0] = np.nan
        steps = column.steps(self._halves.scoring)
        rows = int(steps.sum())
        (hits, fired, active, ranks), rank, active_of = label_loops.score(
            *(scored.offsets, scored.row, scored.value, column.code, steps, low, high),
            np.where(level < 0, np.inf, threshold).astype(np.float32),
        )
        before = np.concatenate([[0.0], np.cumsum(steps)])
        positive = np.where(low < 0, 0.0, before[high + 1] - before[low])
        held_out = auroc(ranks, positive, active, rows)
        untested = (low < 0) | (active < FEWEST_STEPS) | (positive == 0) | (positive == rows)
        held_out[untested] = np.nan
        null = null_auroc(scored, rank, active, column, self._halves, low, high, draws, seed)
        null[untested] = np.nan
        # A draw without the value has no AUROC; it says that nothing was found.
        null[~untested] = np.nan_to_num(null[~untested], nan=0.5)
        p = pooled_p_values(held_out, null, active * positive / max(rows, 1))
        return Detectors(
            low=np.where(untested, -1, low),
            high=np.where(untested, -1, high),
            phi=np.where(untested, np.nan, phi),
            threshold=np.where(untested, np.nan, threshold),
            precision=np.where(untested, np.nan, ratio(hits, fired)),
            recall=np.where(untested, np.nan, ratio(hits, positive)),
            auroc=held_out,
            base=np.where(untested, np.nan, positive / max(rows, 1)),
            null_auroc=null.mean(1, dtype=np.float64),
            null_sd=null.std(1, dtype=np.float64),
            p=p,
            q=benjamini_hochberg(p),
            steps=active.astype(np.int64),
            tuning=active_of / np.maximum(steps, 1).astype(np.float32),
        )
