"""Correlation of the activation values of two sides' features over the same steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from sparsetime import seeds
from sparsetime.matching.compared_features import SparseColumns
from sparsetime.statistics.nulls import circular_shift

NULL = "circular shift in time of the right side's codes, within every sequence"


def code_correlations(left: Any, right: Any) -> Float[np.ndarray, "left right"]:
    """Pearson's correlation of every pair of columns of two sparse matrices with the same rows.

        r_ij = (sum_t a_ti b_tj - n m_i m_j) / (n s_i s_j)

    m: means; s: standard deviations, both over all n rows, inactive ones as 0. 0 for a feature that
    does not vary.
    """
    rows = left.shape[0]
    product = np.asarray((left.T @ right).todense(), dtype=np.float64)
    (mean_a, sd_a), (mean_b, sd_b) = _moments(left), _moments(right)
    covariance = product - rows * np.outer(mean_a, mean_b)
    scale = rows * np.outer(sd_a, sd_b)
    out = np.zeros(covariance.shape)
    return np.asarray(np.divide(covariance, scale, out=out, where=scale > 0))


def shifted(columns: SparseColumns, seed: int, draw: int) -> Any:
    """The codes with every sequence shifted circularly by a random share of it, all features alike.

    What fires together and how long things last stays; the relation to the other side is lost.
    """
    lengths = columns.lengths
    rng = seeds.numpy_generator(seed, "shifted codes of a match", draw)
    share = np.repeat(rng.uniform(0.1, 0.9, len(lengths)), lengths)
    begin = np.repeat(np.cumsum(lengths) - lengths, lengths)
    position = np.arange(len(begin)) - begin
    order = begin + circular_shift(position, np.repeat(lengths, lengths), share)
    return columns.matrix.tocsr()[order].tocsc()


def _moments(matrix: Any) -> tuple[Float[np.ndarray, " some"], Float[np.ndarray, " some"]]:
    rows = max(matrix.shape[0], 1)
    mean = np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel() / rows
    square = np.asarray(matrix.multiply(matrix).sum(axis=0), dtype=np.float64).ravel() / rows
    return mean, np.sqrt(np.maximum(square - mean**2, 0))
