"""The masked matrix as a dense one in 16 bits."""

from __future__ import annotations

from typing import Any, final

from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.computation.executions.execution import Execution


@final
@component("bfloat16")
class Bfloat16Execution(Execution):
    """Dense in bfloat16, whose products some processors compute several times faster.

        y = float32(bfloat16(M W) bfloat16(x))

    Source: torch.nn.functional.linear.
    """

    is_exact = False

    def __init__(self) -> None:
        super().__init__()

    def module(
        self,
        weight: Float[Tensor, "out in"],
        mask: Bool[Tensor, "out in"],
        bias: Float[Tensor, " out"] | None,
    ) -> nn.Module:
        return _HalfLinear(weight * mask, bias)


@final
class _HalfLinear(nn.Module):
    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.register_buffer("weight", weight.detach().bfloat16())
        self.register_buffer("bias", None if bias is None else bias.detach().bfloat16())

    def forward(self, x: Float[Tensor, "*steps in"]) -> Float[Tensor, "*steps out"]:
        weight: Any = self.weight
        bias: Any = self.bias
        return nn.functional.linear(x.bfloat16(), weight, bias).to(x.dtype)
