"""k-sparse probes: linear probes that read only the k columns whose class means differ most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from sparsetime import seeds
from sparsetime.errors import ConfigError
from sparsetime.statistics.linear_probe import CLASSES, ProbeResult, ProbeSplit, probe_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAIN = 0.75


def k_sparse_probe(
    matrix: Any, split: ProbeSplit, k: int | None, seed: int = 0
) -> tuple[ProbeResult, Int[np.ndarray, " k"]]:
    """A linear probe on k columns of a CSR matrix, and the numbers of these columns.

        spread_j = sum_c (mean of x_j in class c - mean of these means)^2 / mean of x_j^2

    over the training rows; the k columns of largest spread are kept, and the probe is fit on them
    and scored on the test rows (`linear_probe.probe_matrix`). k: None for all columns.

    Source: Gurnee et al. 2023, "Finding neurons in a haystack: case studies with sparse probing";
    of two classes the spread orders columns as the difference of their means does. Kantamneni et
    al. 2025, "Are sparse autoencoders useful?", divide columns by their mean active value, not by
    their root mean square, and choose the regularisation on held-out training rows.

    Errors: ConfigError for a k below 1 or above the number of columns.
    """
    if k is None:
        return probe_matrix(matrix, split, seed), np.arange(matrix.shape[1])
    if not 1 <= k <= matrix.shape[1]:
        raise ConfigError(
            f"got k={k}, expected 1 to {matrix.shape[1]}, the number of columns; choose one"
        )
    train = matrix[split.train]
    member = (split.train_label[:, None] == np.unique(split.train_label)).astype(float)
    means = np.asarray((train.T @ member) / member.sum(axis=0)).T
    power = np.asarray(train.multiply(train).mean(axis=0)).ravel()
    spread = ((means - means.mean(axis=0)) ** 2).sum(axis=0)
    spread = np.divide(spread, power, out=np.zeros(len(power)), where=power > 0)
    columns = np.sort(np.argsort(-spread, kind="stable")[:k])
    return probe_matrix(matrix[:, columns], split, seed), columns


def sequence_split(labels: NDArray[np.object_], seed: int) -> ProbeSplit | None:
    """Split of whole sequences, three quarters for training, in every class alike.

    labels: [sequences], None for a sequence without the label. Classes of fewer than two sequences
    are left out, and all but the 40 largest; None where fewer than two classes remain.
    """
    is_labelled = np.array([label is not None for label in labels], dtype=bool)
    names, number = np.unique(labels[is_labelled].astype(str), return_inverse=True)
    class_of = np.full(len(labels), -1)
    class_of[is_labelled] = number
    size = np.bincount(number, minlength=len(names))
    kept = np.flatnonzero(size >= 2)
    kept = np.sort(kept[np.argsort(-size[kept], kind="stable")][:CLASSES])
    if len(kept) < 2:
        return None
    rng = seeds.numpy_generator(seed, "sequences of a probe")
    train, test = [], []
    for number_of_class in kept:
        members = rng.permutation(np.flatnonzero(class_of == number_of_class))
        cut = min(len(members) - 1, max(1, round(TRAIN * len(members))))
        train.append(members[:cut])
        test.append(members[cut:])
    train_rows, test_rows = np.sort(np.concatenate(train)), np.sort(np.concatenate(test))
    return ProbeSplit(
        train_rows,
        test_rows,
        class_of[train_rows],
        class_of[test_rows],
        test_rows,
        len(kept),
        1,
    )
