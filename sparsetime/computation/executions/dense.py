"""The masked matrix as a dense one."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.computation.executions.execution import Execution


@final
@component("dense")
class DenseExecution(Execution):
    """The zeros are multiplied too, in float32; what all others are compared with.

        y = (M W) x

    Source: torch.nn.functional.linear.
    """

    def __init__(self) -> None:
        super().__init__()

    def module(
        self,
        weight: Float[Tensor, "out in"],
        mask: Bool[Tensor, "out in"],
        bias: Float[Tensor, " out"] | None,
    ) -> nn.Module:
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias is not None)
        linear.weight.data = (weight.detach().float() * mask).contiguous()
        if bias is not None:
            linear.bias.data = bias.detach().float()
        return linear.requires_grad_(False)
