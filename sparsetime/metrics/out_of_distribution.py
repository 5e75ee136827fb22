"""Out-of-distribution scores of codes, and agreement of codes with a hierarchy of labels."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.statistics.estimate import Estimate

SHUFFLES = 200


def energy_score(code: SparseCode) -> Float[np.ndarray, " rows"]:
    """Energy of each row; low for rows unlike those that the dictionary was trained on.

        energy_n = log sum_i exp z_ni,  over all latents, of which the silent ones add 1 each

    Source: Liu et al. 2020, Energy-based out-of-distribution detection, arXiv:2010.03759, with
    latents in the place of logits.
    """
    silent = code.width - code.offsets.diff().double()
    peak = torch.zeros(code.rows, dtype=torch.float64).scatter_reduce(
        0, code.row_of_entry, code.values.double(), "amax"
    )
    above = (code.values.double() - peak[code.row_of_entry]).exp()
    total = (silent * (-peak).exp()).index_add(0, code.row_of_entry, above)
    energy: Float[np.ndarray, " rows"] = (peak + total.log()).numpy()
    return energy


def mahalanobis_score(
    x: Float[Tensor, "rows d"], reference: Float[Tensor, "others d"], ridge: float = 0.01
) -> Float[np.ndarray, " rows"]:
    """Minus the squared Mahalanobis distance from reference rows; low for rows unlike them.

        score_n = -(x_n - m)' (S + a I)^-1 (x_n - m),   a = ridge * trace(S) / d

    m, S: mean and covariance of the reference. Source: Lee et al. 2018, A simple unified framework
    for detecting out-of-distribution samples, arXiv:1807.03888, with one class.
    """
    mean = reference.double().mean(0)
    centred = reference.double() - mean
    covariance = centred.T @ centred / len(reference)
    covariance.diagonal().add_(ridge * covariance.trace() / x.shape[1] + 1e-300)
    away = x.double() - mean
    score: Float[np.ndarray, " rows"] = -(
        (away * torch.linalg.solve(covariance, away.T).T).sum(1).numpy()
    )
    return score


def hierarchy_agreement(
    x: Float[Tensor, "rows d"],
    labels: Int[np.ndarray, " rows"],
    tree_distance: Float[np.ndarray, "classes classes"],
    seed: int = 0,
) -> Estimate:
    """Rank correlation of distances between class means with distances in a tree of labels.

        agreement = Spearman over pairs of classes a < b of (|m_a - m_b|, tree_distance_ab)

    m_a: mean of the rows of class a, divided by its length. The null is the mean over 200 shuffles
    of the classes' places in the tree, and details["p"] the share of them that reach the value.

    Source: Stevens et al. 2025, Probing the representational power of sparse autoencoders in vision
    models, for the question; Kriegeskorte et al. 2008, Representational similarity analysis, for
    the measure and its null.

    Errors: DataError for fewer than four classes with rows.
    """
    from scipy.stats import spearmanr

    classes = len(tree_distance)
    counts = np.bincount(labels, minlength=classes)
    if classes < 4 or not counts[:classes].all():
        raise DataError(
            f"got {int((counts > 0).sum())} classes with rows of {classes} in the tree, expected "
            f"at least 4, each with rows"
        )
    sums = torch.zeros(classes, x.shape[1]).index_add(0, torch.from_numpy(labels), x.float())
    means = sums / torch.from_numpy(counts)[:, None]
    unit = means / means.norm(dim=1, keepdim=True).clamp_min(1e-12)
    first, second = np.triu_indices(classes, 1)
    between = (unit[first] - unit[second]).norm(dim=1).numpy()

    def agreement(order: Int[np.ndarray, " classes"]) -> float:
        shuffled = tree_distance[np.ix_(order, order)]
        return float(spearmanr(between, shuffled[first, second]).statistic)

    value = agreement(np.arange(classes))
    rng = seeds.numpy_generator(seed, "shuffled tree of labels")
    null = np.array([agreement(rng.permutation(classes)) for _ in range(SHUFFLES)])
    reached = (1 + int((null >= value - 1e-12).sum())) / (1 + SHUFFLES)
    return Estimate(
        value,
        null=float(null.mean()),
        null_is="classes in random places of the tree",
        details={"p": reached},
    )
