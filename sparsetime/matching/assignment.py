"""One-to-one assignment of two sets by similarity."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def one_to_one(
    similarity: Float[np.ndarray, "left right"],
) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]:
    """Places of the pairs with the largest sum of similarities, each place at most once.

        max over injections p of sum_i similarity[i, p(i)]

    Kuhn 1955, "The Hungarian method for the assignment problem". Time grows with the cube of the
    size: some seconds for 2,000.
    """
    from scipy.optimize import linear_sum_assignment

    left, right = linear_sum_assignment(similarity, maximize=True)
    return np.asarray(left), np.asarray(right)
