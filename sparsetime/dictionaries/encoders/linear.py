"""The encoder of most dictionaries."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.encoders.select_linear import SelectLinearEncoder


@final
@component("linear")
class LinearEncoder(SelectLinearEncoder):
    """One dot product a latent: `weight @ x + bias`.

    weight: [width, d_in]; bias: [width].
    """

    def __init__(self, d_in: int, width: int) -> None:
        super().__init__(d_in=d_in, width=width)
        self.d_in, self.width = d_in, width
        self.weight = nn.Parameter(torch.zeros(width, d_in))
        self.bias = nn.Parameter(torch.zeros(width))

    def directions(self) -> Float[Tensor, "width d"]:
        return self.weight

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        self.weight.mul_(factor)

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        self.weight.copy_(directions)
        self.bias.zero_()
