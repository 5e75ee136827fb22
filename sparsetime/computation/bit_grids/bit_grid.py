"""Base class of grids: the values that weights of few bits can have, and their scale."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.components import RegisteredComponent

_SHRUNK = 24  # scales tried, down to _LEAST of that of the largest entry
_LEAST = 0.4


class BitGrid(RegisteredComponent):
    """Values between -1 and 1, one of which is zero, and how weights are rounded to them.

        W' = scale * level[code],  one scale for each group of entries

    Zero is a level of every grid, so that entries that another plan left out stay left out.
    """

    role = "bit_grid"

    @property
    @abstractmethod
    def bits(self) -> int:
        """Bits that a code takes in a file, from 1 to 8."""

    @property
    @abstractmethod
    def levels(self) -> Float[Tensor, " levels"]:
        """The values at scale 1, rising, in float32; the largest is 1, and one is 0."""

    def scales(self, groups: Float[Tensor, "groups length"]) -> Float[Tensor, "groups 1"]:
        """The scale of each group of entries: its largest magnitude, unless a grid says else."""
        return groups.abs().amax(1, keepdim=True)

    def codes(
        self, groups: Float[Tensor, "groups length"], scales: Float[Tensor, "groups 1"]
    ) -> Int[Tensor, "groups length"]:
        """The nearest level of each entry; of a group whose scale is 0, the level 0."""
        levels = self.levels.to(groups.device)
        middles = (levels[1:] + levels[:-1]) / 2
        zero = torch.zeros((), device=groups.device)
        return torch.bucketize(torch.where(scales > 0, groups / scales, zero), middles)

    def values(
        self, codes: Int[Tensor, "groups length"], scales: Float[Tensor, "groups 1"]
    ) -> Float[Tensor, "groups length"]:
        """The entries that codes stand for, in float32."""
        return self.levels.to(scales.device)[codes] * scales

    def nearest_scales(self, groups: Float[Tensor, "groups length"]) -> Float[Tensor, "groups 1"]:
        """The scale with the least squared error of a group, among 24 up to `scales`."""
        largest = self.scales(groups)
        best, least = largest, torch.full_like(largest, float("inf"))
        for step in range(_SHRUNK):
            tried = largest * (1 - (1 - _LEAST) * step / (_SHRUNK - 1))
            rounded = self.values(self.codes(groups, tried), tried)
            error = (rounded - groups).square().sum(1, keepdim=True)
            best = torch.where(error < least, tried, best)
            least = torch.minimum(error, least)
        return best
