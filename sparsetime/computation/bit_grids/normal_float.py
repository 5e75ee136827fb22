"""Sixteen values at quantiles of a normal distribution."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.bit_grids.bit_grid import BitGrid

_OUTERMOST = 0.9677083  # the quantile of the largest level: 1 - (1 / 32 + 1 / 30) / 2


@final
@component("normal_float")
class NormalFloatGrid(BitGrid):
    """Levels that normally distributed weights use equally often (NF4).

        level = Q(p) / Q(0.968),  p at 7 equal steps below 1/2, at 1/2, and at 8 above

    Q is the quantile function of the normal distribution.

    Source: Dettmers et al. 2023, QLoRA, arXiv:2305.14314, section 3 and appendix E.
    """

    def __init__(self) -> None:
        super().__init__()

    @property
    def bits(self) -> int:
        return 4

    @property
    def levels(self) -> Float[Tensor, " levels"]:
        normal = torch.distributions.Normal(0.0, 1.0)
        up = normal.icdf(torch.linspace(0.5, _OUTERMOST, 9, dtype=torch.float64))
        down = -normal.icdf(torch.linspace(0.5, _OUTERMOST, 8, dtype=torch.float64))
        levels: Tensor = torch.cat([down[1:].flip(0), up]) / up[-1]
        return levels.float()
