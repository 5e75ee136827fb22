"""One step of Adam on a matrix, in one pass over memory."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.kernels.adam_config import AdamStep
from sparsetime.kernels.dispatch import backend
from sparsetime.kernels.row_sparse import Rows


@torch.no_grad()
def adam(
    weight: Float[Tensor, "width d"],
    first: Float[Tensor, "width d"],
    second: Float[Tensor, "width d"],
    gradient: Rows,
    scale: Float[Tensor, ""],
    step: AdamStep,
    unit_rows: bool,
) -> None:
    """Update a matrix and its two moments in place, exactly as Adam with a dense gradient does.

    The gradient is multiplied by `scale` (of clipping). `unit_rows`: every row of the result is
    brought back to length one.
    """
    backend(weight).adam(weight, first, second, gradient, scale, step, unit_rows)


@torch.no_grad()
def project(gradient: Rows, weight: Float[Tensor, "width d"]) -> None:
    """Take the part along its weight out of every gradient row, in place, for rows of length one.

    Source: Bricken et al. 2023, Towards Monosemanticity.
    """
    backend(weight).project(gradient, weight)
