"""SVCCA: similarity of two representations of the same rows, whatever their bases."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def svcca(
    x: Float[np.ndarray, "rows a"], y: Float[np.ndarray, "rows b"], kept: float = 0.99
) -> float:
    """Mean canonical correlation of the leading singular directions of two sets of columns.

        SVCCA = mean_i rho_i,   rho = singular values of U_x^T U_y

    U_x, U_y: left singular vectors of the centred columns that hold `kept` of their variance; the
    mean is over min(rank). Raghu et al. 2017, "SVCCA: Singular Vector Canonical Correlation
    Analysis for Deep Learning Dynamics and Interpretability". From 0 to 1; 0 without variance.
    """
    sides = [_leading(one, kept) for one in (x, y)]
    if not min(side.shape[1] for side in sides):
        return 0.0
    rho = np.linalg.svd(sides[0].T @ sides[1], compute_uv=False)
    return float(np.clip(rho, 0, 1).mean())


def _leading(x: Float[np.ndarray, "rows a"], kept: float) -> Float[np.ndarray, "rows some"]:
    centred = np.asarray(x, dtype=np.float64) - np.mean(x, axis=0, dtype=np.float64)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    variance = s**2
    if not variance.sum() > 0:
        return u[:, :0]
    count = int(np.searchsorted(np.cumsum(variance) / variance.sum(), kept)) + 1
    return u[:, : min(count, len(s))]
