"""Adam step on a matrix, in one pass over memory."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from sparsetime.kernels.adam_config import AdamStep
from sparsetime.kernels.dispatch import backend
from sparsetime.kernels.row_sparse import GradientRows


def adam(
    weight: Float[Tensor, "width d"],
    first: Float[Tensor, "width d"],
    second: Float[Tensor, "width d"],
    gradient: GradientRows,
    scale: Float[Tensor, ""],
    step: AdamStep,
    unit_rows: bool,
) -> None:
    """Update a matrix and its two moments in place, exactly as Adam with a dense gradient.

        m = b1 · m + (1 - b1) · g,    v = b2 · v + (1 - b2) · g²,    g = scale · gradient
        w = w - size · m / (sqrt(v) / correction + eps)

    scale: factor of gradient clipping. unit_rows: normalise every row of the result. No tensor may
    require a gradient.

    Source: Kingma and Ba 2015, Adam, arXiv:1412.6980, algorithm 1.
    """
    backend(weight).adam(weight, first, second, gradient, scale, step, unit_rows)


def project(gradient: GradientRows, weight: Float[Tensor, "width d"]) -> None:
    """Remove the component of every gradient row along its unit-norm weight row, in place.

        g_i = g_i - (g_i · w_i) w_i

    Source: Bricken et al. 2023, Towards Monosemanticity.
    """
    backend(weight).project(gradient, weight)
