"""Constant fan-in: kept values and their places."""

from __future__ import annotations

from typing import Any, final

from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.computation.executions.execution import Execution
from sparsetime.kernels.condensed import CondensedMatrix


@final
@component("condensed")
class CondensedExecution(Execution):
    """A loop over the kept entries of each row, which are equally many.

        y_i = sum over n of V_in x[P_in]

    Source: Lasby et al. 2024, Dynamic Sparse Training with Structured Sparsity, section 4.4.
    """

    def __init__(self) -> None:
        super().__init__()

    def objection(self, mask: Bool[Tensor, "out in"]) -> str | None:
        counts = mask.sum(1)
        if len(counts[counts > 0].unique()) != 1:
            return "its rows have unequally many entries; thin with structure='fan_in'"
        return None

    def module(
        self,
        weight: Float[Tensor, "out in"],
        mask: Bool[Tensor, "out in"],
        bias: Float[Tensor, " out"] | None,
    ) -> nn.Module:
        return _CondensedLinear(CondensedMatrix.from_mask(weight.detach(), mask), bias)


@final
class _CondensedLinear(nn.Module):
    def __init__(self, matrix: CondensedMatrix, bias: Tensor | None) -> None:
        super().__init__()
        self.matrix = matrix
        self.register_buffer("bias", None if bias is None else bias.detach().float())

    def forward(self, x: Float[Tensor, "*steps in"]) -> Float[Tensor, "*steps out"]:
        bias: Any = self.bias
        rows = x.reshape(-1, x.shape[-1])
        return self.matrix.product(rows, bias).reshape(*x.shape[:-1], -1).to(x.dtype)
