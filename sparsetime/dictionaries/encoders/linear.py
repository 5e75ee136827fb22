"""Linear encoder: one dot product per latent."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.encoders.select_linear import SelectLinearEncoder


class LinearBase(SelectLinearEncoder):
    """Base class of encoders whose directions are parameters; kinds differ in what x is.

    pre = W x + b

    weight W: [width, d_in]; bias b: [width].
    """

    latent_tensors: frozenset[str] | None = frozenset({"weight", "bias"})
    scalable = True

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


@final
@component("linear")
class LinearEncoder(LinearBase):
    """Linear encoder.

        pre = W x + b

    x: [rows, d_in], the normalised activation less the offset. weight W: [width, d_in]; bias b:
    [width]; pre: [rows, width], of which only selected entries are computed.

    Source: Bricken et al. 2023, Towards Monosemanticity.
    """
