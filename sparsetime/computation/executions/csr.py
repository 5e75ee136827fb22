"""Compressed sparse rows, by torch."""

from __future__ import annotations

import warnings
from typing import Any, final

from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.computation.executions.execution import Execution


@final
@component("csr")
class CSRExecution(Execution):
    """The kept entries in compressed rows, multiplied by torch's sparse product.

        y_i = sum over the entries e of row i of V_e x[P_e]

    Source: torch.sparse_csr_tensor.
    """

    def __init__(self) -> None:
        super().__init__()

    def module(
        self,
        weight: Float[Tensor, "out in"],
        mask: Bool[Tensor, "out in"],
        bias: Float[Tensor, " out"] | None,
    ) -> nn.Module:
        return _CSRLinear(weight.detach().float() * mask, bias)


@final
class _CSRLinear(nn.Module):
    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, that CSR tensors are in beta
            self.register_buffer("weight", weight.to_sparse_csr())
        self.register_buffer("bias", None if bias is None else bias.detach().float())

    def forward(self, x: Float[Tensor, "*steps in"]) -> Float[Tensor, "*steps out"]:
        weight: Any = self.weight
        bias: Any = self.bias
        rows: Tensor = (weight @ x.reshape(-1, x.shape[-1]).T).T
        result = rows if bias is None else rows + bias
        return result.reshape(*x.shape[:-1], -1)
