"""Signed integers of a few bits."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.bit_grids.bit_grid import BitGrid
from sparsetime.errors import ConfigError


@final
@component("integer")
class IntegerGrid(BitGrid):
    """Integers that are as many below zero as above.

        level_i = i / q,  i = -q ... q,  q = 2^(bits - 1) - 1

    Source: Jacob et al. 2018, Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference; symmetric, without a zero point.
    """

    def __init__(self, bits: int = 4) -> None:
        """Errors: ConfigError for fewer than 2 or more than 8 bits."""
        super().__init__(bits=bits)
        if not 2 <= bits <= 8:
            raise ConfigError(f"got bits={bits}, expected from 2 to 8")
        self._bits = bits

    @property
    def bits(self) -> int:
        return self._bits

    @property
    def levels(self) -> Float[Tensor, " levels"]:
        largest = 2 ** (self.bits - 1) - 1
        levels: Tensor = torch.arange(-largest, largest + 1, dtype=torch.float32) / largest
        return levels
