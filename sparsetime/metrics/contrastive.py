"""Contrastive scores: how far single latents tell the two texts of a contrastive pair apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.errors import DataError, MismatchError
from sparsetime.statistics.estimate import Estimate, estimate, ratio_of
from sparsetime.statistics.pooling import pooled

SHUFFLES = 5
SWAPS = 20
_SHUFFLED = "second texts in random order, so that pairs are of two subjects"
_SWAPPED = "the two texts of every pair in random order"


@final
@dataclass(frozen=True, eq=False)
class ContrastiveScores:
    """Scores of a code on contrastive pairs.

    contrastive, independence, interpretability: as CE-Bench defines them, means over pairs.
    direction: share of held-out pairs that one latent orders rightly, 0 to 1. contrasts: their
    names. latents: the latent chosen for each contrast on either half of its wordings.
    """

    contrastive: Estimate
    independence: Estimate
    interpretability: Estimate
    direction: Estimate
    contrasts: tuple[str, ...]
    latents: Int[np.ndarray, "contrasts 2"]


def contrastive_scores(
    x: SparseCode | Float[Tensor, "steps width"],
    lengths: Int[np.ndarray, " texts"],
    pairs: Int[np.ndarray, "pairs 2"],
    subjects: Sequence[str],
    contrasts: Sequence[str],
    wordings: Sequence[str],
    seed: int = 0,
) -> ContrastiveScores:
    """CE-Bench's scores of a code, or of activations, on contrastive pairs of texts.

        V_p, W_p = mean code of the first and of the second text of pair p
        I_p      = mean code over the steps of both,  J_p = mean of I over the other subjects
        contrastive      = mean_p max_j z(|V_p - W_p|)_j
        independence     = mean_p max_j z(|I_p - J_p|)_j
        interpretability = mean_p max_j z(|V_p - W_p| + |I_p - J_p|)_j
        direction        = share of held-out pairs with s (V_pj - W_pj) > 0, half of those with 0;
                           j = argmax |m_j|, s = sign m_j, m = mean(V - W) / rms(V - W)
                           over the pairs of the contrast in the other half of its wordings

    z subtracts the mean over latents and divides by their standard deviation, so its maximum is at
    most (width - 1) / sqrt(width): compare equal widths only. Any two texts differ somewhere, so
    `contrastive` is high without any contrast, and its null may be higher than its value: shuffled
    pairs differ in subject too. `direction` needs one latent that orders texts it was not chosen
    on; it is ours.

    x: of all steps of all texts, in their order; lengths: steps of each text. pairs: numbers of
    texts. subjects: what each pair is about. contrasts: how its texts differ, such as "tense".
    wordings: by what words each pair differs; every other one of a contrast, in alphabetical order,
    is of one half. Pairs of one wording differ by the same words, which any network shows, an
    untrained one too.
    Null of the first three: the second texts in random order (mean of 5); of `direction`: the texts
    of each pair in random order (mean of 20). Intervals resample wordings.

    Source: Gulko, Peng and Kumar 2025, CE-Bench, arXiv:2509.00691, and its published code. Left out
    are its regression on other benchmarks and its penalty on density.

    Errors: MismatchError where subjects, contrasts or wordings are not one a pair, or x has other
    steps; DataError for fewer than two subjects, pairs of texts that do not exist, a contrast with
    one wording, or codes that are not finite.
    """
    means: Float[np.ndarray, "texts width"] = pooled(x, lengths).toarray()
    _check(means, pairs, {"subjects": subjects, "contrasts": contrasts, "wordings": wordings})
    _, subject = np.unique(np.asarray(subjects), return_inverse=True)
    kinds, contrast = np.unique(np.asarray(contrasts), return_inverse=True)
    half = _halves(kinds, contrast, np.asarray(wordings))
    by_pair = _published(means, lengths, pairs, subject)
    null = np.zeros(len(by_pair))
    for draw in range(SHUFFLES):
        order = seeds.numpy_generator(seed, "shuffled pairs of texts", draw).permutation(len(pairs))
        shuffled = np.stack([pairs[:, 0], pairs[order, 1]], axis=1)
        null += _published(means, lengths, shuffled, subject).mean(axis=1) / SHUFFLES
    difference = means[pairs[:, 0]] - means[pairs[:, 1]]
    right, latents = _held_out_order(difference, half, contrast)
    rng = seeds.numpy_generator(seed, "order of texts in a pair")
    signs = rng.choice([-1.0, 1.0], size=(SWAPS, len(pairs), 1))
    swapped = [_held_out_order(difference * sign, half, contrast)[0].mean() for sign in signs]
    wording_names, wording = np.unique(np.asarray(wordings), return_inverse=True)
    pairs_of_wording = np.bincount(wording).astype(float)

    def over_wordings(values: Float[np.ndarray, " pairs"], null: float, null_is: str) -> Estimate:
        sums = np.bincount(wording, weights=values)
        return estimate(ratio_of(sums, pairs_of_wording), len(wording_names), null, null_is, seed)

    contrastive, independence, interpretability = (
        over_wordings(values, float(of_null), _SHUFFLED)
        for values, of_null in zip(by_pair, null, strict=True)
    )
    direction = over_wordings(right, float(np.mean(swapped)), _SWAPPED)
    return ContrastiveScores(
        contrastive, independence, interpretability, direction, tuple(map(str, kinds)), latents
    )


def _published(
    means: Float[np.ndarray, "texts width"],
    lengths: Int[np.ndarray, " texts"],
    pairs: Int[np.ndarray, "pairs 2"],
    subject: Int[np.ndarray, " pairs"],
) -> Float[np.ndarray, "scores pairs"]:
    """Contrastive, independence and interpretability score of every pair."""
    first, second = means[pairs[:, 0]], means[pairs[:, 1]]
    steps = lengths[pairs].astype(float)
    both = (first * steps[:, :1] + second * steps[:, 1:]) / steps.sum(axis=1, keepdims=True)
    count = np.bincount(subject).astype(float)
    of_subject = np.zeros((len(count), means.shape[1]))
    np.add.at(of_subject, subject, both)
    of_subject /= count[:, None]
    others = (of_subject.sum(axis=0) - of_subject) / (len(count) - 1)
    contrast, independence = np.abs(first - second), np.abs(both - others[subject])
    # z would enlarge rounding errors between equal means without limit.
    rounding = 1e-12 * np.abs(means).max()
    contrast[contrast < rounding] = independence[independence < rounding] = 0
    return np.stack([_peak(d) for d in (contrast, independence, contrast + independence)])


def _peak(distance: Float[np.ndarray, "pairs width"]) -> Float[np.ndarray, " pairs"]:
    """The largest z of each row; 0 where all latents are equal."""
    spread = distance.std(axis=1, ddof=1)
    above = distance.max(axis=1) - distance.mean(axis=1)
    peak: Float[np.ndarray, " pairs"] = np.divide(
        above, spread, out=np.zeros(len(above)), where=spread > 0
    )
    return peak


def _held_out_order(
    difference: Float[np.ndarray, "pairs width"],
    half: Int[np.ndarray, " pairs"],
    contrast: Int[np.ndarray, " pairs"],
) -> tuple[Float[np.ndarray, " pairs"], Int[np.ndarray, "contrasts 2"]]:
    """Whether the latent chosen on the other half of the wordings orders each pair rightly."""
    right = np.zeros(len(difference))
    latents = np.zeros((int(contrast.max()) + 1, 2), dtype=np.int64)
    for kind, side in np.ndindex(latents.shape):
        chosen_on = difference[(contrast == kind) & (half == side)]
        scored = (contrast == kind) & (half != side)
        size = np.sqrt((chosen_on**2).mean(axis=0))
        agreement = np.divide(chosen_on.mean(axis=0), size, out=np.zeros(len(size)), where=size > 0)
        best = int(np.abs(agreement).argmax())
        ordered = difference[scored, best] * np.sign(agreement[best])
        right[scored] = (1 + np.sign(ordered)) / 2
        latents[kind, side] = best
    return right, latents


def _check(
    means: Float[np.ndarray, "texts width"],
    pairs: Int[np.ndarray, "pairs 2"],
    of_pairs: Mapping[str, Sequence[str]],
) -> None:
    for name, values in of_pairs.items():
        if len(values) != len(pairs):
            raise MismatchError(
                f"got {len(values)} {name} for {len(pairs)} pairs, expected one a pair; give the "
                f"{name[:-1]} of every pair, in their order"
            )
    subjects = len(set(of_pairs["subjects"]))
    if subjects < 2:
        raise DataError(
            f"got pairs of {subjects} subjects, expected at least 2; add pairs about other subjects"
        )
    if pairs.min() < 0 or pairs.max() >= len(means):
        raise DataError(
            f"got pairs of texts {int(pairs.min())} to {int(pairs.max())}, expected numbers from 0 "
            f"to {len(means) - 1}; number the texts in the order of their lengths"
        )
    if not np.isfinite(means).all():
        raise DataError(
            "got codes that are not finite, expected finite ones; did training diverge?"
        )


def _halves(
    kinds: np.ndarray, contrast: Int[np.ndarray, " pairs"], wordings: np.ndarray
) -> Int[np.ndarray, " pairs"]:
    """0 or 1 for every pair: every other wording of a contrast is of one half."""
    half = np.zeros(len(contrast), dtype=np.int64)
    for number, name in enumerate(kinds):
        own = contrast == number
        found, rank = np.unique(wordings[own], return_inverse=True)
        if len(found) < 2:
            raise DataError(
                f"got one wording of the contrast {str(name)!r}, expected at least 2: its latent "
                f"is chosen on half of them and scored on the others; add pairs in other words"
            )
        half[own] = rank % 2
    return half
