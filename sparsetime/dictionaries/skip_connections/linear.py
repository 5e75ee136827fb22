"""Linear skip connection of a transcoder."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.skip_connections.skip_connection import SkipConnection


@final
@component("linear")
class LinearSkip(SkipConnection):
    """Linear skip connection from input to output of a transcoder, initialised at zero.

        x̂ = W x + b + Σ_i z_i · atom_i

    weight: [d_out, d_in]. With the decoder's offset the map is affine.

    Source: Paulo, Shabalin, Belrose 2025, Transcoders Beat Sparse Autoencoders for
    Interpretability, arXiv:2501.18823.
    """

    def __init__(self, d_in: int, d_out: int) -> None:
        super().__init__(d_in=d_in, d_out=d_out)
        self.d_in, self.d_out = d_in, d_out
        self.weight = nn.Parameter(torch.zeros(d_out, d_in))

    def predict(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows d_out"]:
        return x @ self.weight.T
