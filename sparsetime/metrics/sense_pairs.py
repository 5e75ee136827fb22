"""Sense pairs: whether the strongest latent of a word is the same where its sense is the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError, MismatchError
from sparsetime.statistics.estimate import Estimate, estimate, ratio_of


@final
@dataclass(frozen=True)
class SensePairScores:
    """Scores of the judgement "same sense" over pairs of occurrences of one word.

    accuracy: share of pairs judged rightly. precision: of the pairs judged the same, the share
    that is. recall: of the pairs of the same sense, the share judged so. specificity: of the pairs
    of different senses, the share judged different. Intervals resample pairs.
    """

    accuracy: Estimate
    precision: Estimate
    recall: Estimate
    specificity: Estimate


def sense_pair_scores(
    code: SparseCode,
    pairs: Int[Tensor, "pairs 2"],
    same_sense: Bool[Tensor, " labels"],
    seed: int = 0,
) -> SensePairScores:
    """Judge two occurrences of a word as of one sense where their strongest latents agree.

        judged same  <=>  argmax_j z_aj = argmax_j z_bj

    code: of all occurrences. pairs: numbers of two of its rows. An occurrence without an active
    latent agrees with none. The null of accuracy is the larger share of the two kinds of pairs,
    which a constant answer reaches. Choose as many pairs of one kind as of the other.

    Source: Minegishi et al. 2025, Rethinking evaluation of sparse autoencoders through the
    representation of polysemous words, arXiv:2501.06254.

    Errors: MismatchError where labels are not one a pair; DataError for pairs of one kind only.
    """
    if len(pairs) != len(same_sense):
        raise MismatchError(
            f"got {len(same_sense)} labels for {len(pairs)} pairs, expected one a pair"
        )
    count = int(same_sense.sum())
    if not 0 < count < len(pairs):
        raise DataError(
            f"got {count} pairs of the same sense among {len(pairs)}, expected some of each kind"
        )
    strongest = strongest_latent(code)[pairs]
    judged = ((strongest[:, 0] == strongest[:, 1]) & (strongest[:, 0] >= 0)).numpy()
    truth = same_sense.numpy()
    ones = np.ones(len(truth))

    def share(of: Bool[np.ndarray, " pairs"], among: Bool[np.ndarray, " pairs"]) -> Estimate:
        over, under = (of & among).astype(float), among.astype(float)
        return estimate(ratio_of(over, under), len(truth), seed=seed)

    null = max(count, len(truth) - count) / len(truth)
    accuracy = estimate(
        ratio_of((judged == truth).astype(float), ones),
        len(truth),
        null,
        "the more frequent answer always",
        seed,
    )
    return SensePairScores(
        accuracy, share(truth, judged), share(judged, truth), share(~judged, ~truth)
    )


def strongest_latent(code: SparseCode) -> Int[Tensor, " rows"]:
    """The latent of largest value of every row, -1 where none is above 0."""
    best = torch.full((code.rows,), -1, dtype=torch.int64)
    peak = torch.zeros(code.rows).scatter_reduce(0, code.row_of_entry, code.values, "amax")
    is_peak = (code.values == peak[code.row_of_entry]) & (code.values > 0)
    # Entries of a row ascend, so of equal values the last written, the first latent, stays.
    for_rows, latents = code.row_of_entry[is_peak].flip(0), code.indices[is_peak].flip(0)
    best[for_rows] = latents.long()
    return best
