"""The masked matrix as a dense one in 8 bits."""

from __future__ import annotations

import warnings
from typing import final

from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.computation.executions.execution import Execution


@final
@component("int8")
class Int8Execution(Execution):
    """Dense in 8 bits, with a scale a row of the matrix and one of the input at each call.

        y = scale_W scale_x int8(M W) int8(x)

    Source: the dynamic 8-bit Linear of torch.ao.quantization.
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
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias is not None)
        linear.weight.data = weight.detach().float() * mask
        if bias is not None:
            linear.bias.data = bias.detach().float()
        made = nn.Sequential(linear).eval()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, that its package torchao has more of it
            from torch.ao import quantization

            types = {nn.Linear: quantization.default_dynamic_qconfig}
            quantization.propagate_qconfig_(made, types)
            mapping = quantization.get_default_dynamic_quant_module_mappings()
            quantization.convert(made, mapping=mapping, inplace=True)
        return made
