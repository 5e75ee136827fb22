"""Multilayer perceptron with one hidden layer."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.sequence_models.channels.channel import Channel
from sparsetime.sequence_models.sequence_component import Count


@final
@component("mlp", example={"d": 8})
class MLPChannel(Channel):
    """Two linear maps with a GELU between them.

        y_t = W_2 gelu(W_1 x_t + b_1) + b_2

    expand: hidden units, as a multiple of d.

    Source: Vaswani et al. 2017, arXiv:1706.03762; GELU: Hendrycks and Gimpel 2016.
    """

    def __init__(self, d: Count, expand: Count = 2) -> None:
        super().__init__(d=d, expand=expand)
        self.into = nn.Linear(d, expand * d)
        self.out = nn.Linear(expand * d, d)

    def forward(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        """The outputs of all steps."""
        y: Tensor = self.out(nn.functional.gelu(self.into(x)))
        return y
