"""Three values."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.bit_grids.bit_grid import BitGrid

_THRESHOLD = 0.7  # of the mean magnitude


@final
@component("ternary")
class TernaryGrid(BitGrid):
    """Minus one, zero and one, by a threshold that is best for weights of a normal distribution.

        code = sign(w) where |w| > 0.7 mean |w|,  scale = mean of |w| where that is so

    Means are over the entries of a group that are not zero.

    Source: Li and Liu 2016, Ternary Weight Networks, arXiv:1605.04711.
    """

    def __init__(self) -> None:
        super().__init__()

    @property
    def bits(self) -> int:
        return 2

    @property
    def levels(self) -> Float[Tensor, " levels"]:
        return torch.tensor([-1.0, 0.0, 1.0])

    def scales(self, groups: Float[Tensor, "groups length"]) -> Float[Tensor, "groups 1"]:
        kept = groups.abs() * (groups.abs() > self._threshold(groups))
        return _mean_of_others(kept)

    def codes(
        self, groups: Float[Tensor, "groups length"], scales: Float[Tensor, "groups 1"]
    ) -> Int[Tensor, "groups length"]:
        del scales
        return ((groups.abs() > self._threshold(groups)) * groups.sign()).long() + 1

    def _threshold(self, groups: Float[Tensor, "groups length"]) -> Float[Tensor, "groups 1"]:
        return _THRESHOLD * _mean_of_others(groups.abs())


def _mean_of_others(values: Float[Tensor, "groups length"]) -> Float[Tensor, "groups 1"]:
    """The mean of the entries that are not zero; 0 where all are."""
    counts = (values != 0).sum(1, keepdim=True)
    return values.sum(1, keepdim=True) / counts.clamp_min(1)
