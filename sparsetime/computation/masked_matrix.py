"""A weight matrix with its mask, and the dense weights that some gradient rules keep."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.computation.weight_matrices import WeightMatrix
from sparsetime.kernels.loops.keep_bits import keep_bits

_INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # by bytes


@final
class MaskedMatrix:
    """State of a thinned weight matrix.

    target: the matrix. mask: True at entries that are kept, in the parameter's shape. sparsity: the
    share that its distribution leaves out. dense: the weights without the mask, in the parameter's
    shape, where a gradient rule keeps them; None otherwise. original: the weights before thinning.
    """

    def __init__(self, target: WeightMatrix) -> None:
        self.target = target
        self.mask = torch.ones_like(target.parameter, dtype=torch.bool)
        self.sparsity = 0.0
        self.dense: Tensor | None = None
        self.original = target.parameter.detach().clone()

    @property
    def mask(self) -> Tensor:
        """True at entries that are kept."""
        return self._mask

    @mask.setter
    def mask(self, mask: Tensor) -> None:
        self._mask = mask
        self._bits: Tensor | None = None  # of the mask, in training: all ones where it is kept

    @property
    def weight(self) -> Float[Tensor, "out in"]:
        """The matrix that masks are chosen from: the dense weights, or else the thinned ones."""
        values = self.target.parameter.detach() if self.dense is None else self.dense
        return self.target.matrix(values)

    @property
    def mask_matrix(self) -> Bool[Tensor, "out in"]:
        return self.target.matrix(self.mask)

    @torch.no_grad()
    def set_mask(self, mask: Bool[Tensor, "out in"]) -> Tensor:
        """Take another mask; returns where it differs from the last, in the parameter's shape."""
        new = self.target.unmatrix(mask).contiguous()
        changed = new != self.mask
        self.mask = new
        return changed

    @torch.no_grad()
    def remove(self, values: Tensor) -> None:
        """Set removed entries to zero, in place; values: of the parameter's shape and dtype.

        Infinite and NaN entries become zero too.
        """
        if self._bits is None:
            self._bits = -self.mask.to(torch.int8)
        # Bits take a tenth of the time of masked_fill_, whose loop has a branch for each entry.
        integers = values.detach().view(_INTEGERS[values.element_size()])
        if values.device.type == "cpu" and values.is_contiguous() and self._bits.is_contiguous():
            keep_bits(integers.flatten().numpy(), self._bits.flatten().numpy())
        else:
            integers.bitwise_and_(self._bits.to(integers.dtype))

    @torch.no_grad()
    def restore(self) -> None:
        """Put the weights back as they were before thinning."""
        self.target.parameter.copy_(self.original)
