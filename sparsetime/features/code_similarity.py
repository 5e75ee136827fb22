"""Similarity of the features of two code sources by their activation values over the same steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from sparsetime.statistics.linear_probe import sparse_matrix

if TYPE_CHECKING:
    from sparsetime.codes import SparseCode


class NearestByCode(NamedTuple):
    """For each feature of either side the most similar one of the other, and their cosine."""

    to_right: Int[np.ndarray, " left"]
    cosine: Float[np.ndarray, " left"]
    to_left: Int[np.ndarray, " right"]
    back: Float[np.ndarray, " right"]


def nearest_by_code(
    left: SparseCode,
    right: SparseCode,
    left_features: Int[np.ndarray, " left"],
    right_features: Int[np.ndarray, " right"],
) -> NearestByCode:
    """The nearest features by the cosine of their activation values, among the features given.

    Both codes have the same rows. With a_t and b_t the activation values of two features at step
    t, zero where they are inactive, the cosine is sum_t a_t b_t / (|a| |b|), and 0 for a feature
    that is never active. Ties go to the lower number; places are within the features given.
    """
    a = unit_columns(sparse_matrix(left))[:, left_features]
    b = unit_columns(sparse_matrix(right))[:, right_features]
    product = (a.T @ b).tocsr()
    to_right, cosine = _largest(product)
    to_left, back = _largest(product.T.tocsr())
    return NearestByCode(to_right, cosine, to_left, back)


def unit_columns(matrix: Any) -> sparse.csc_matrix:
    """A sparse matrix whose columns are scaled to length one; columns of zeros stay."""
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel())
    return (matrix @ sparse.diags(1 / np.where(norms > 0, norms, 1))).tocsc()


def _largest(
    cosines: sparse.csr_matrix,
) -> tuple[Int[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    if 0 in cosines.shape:
        return np.zeros(cosines.shape[0], np.int64), np.zeros(cosines.shape[0])
    place = np.asarray(cosines.argmax(axis=1)).ravel()
    return place, np.asarray(cosines.max(axis=1).todense()).ravel()
