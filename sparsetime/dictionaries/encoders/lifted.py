"""Lifted encoder: dot products in a larger space."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.encoders.select_linear import SelectLinearEncoder
from sparsetime.dictionaries.function_spaces.lifting import checked_lift, orthonormal


@final
@component("lifted", example={"lift": 16})
class LiftedEncoder(SelectLinearEncoder):
    """Lifted encoder: the activation is mapped linearly into `lift` dimensions first.

        pre = W (P x) + b

    The product W P is an ordinary encoder weight, so lifting changes no function that can be
    learnt; it changes the path of training.

    lifting P: [lift, d_in]; weight W: [width, lift]; bias b: [width].

    Source: L-SAE in Tolooshams et al. 2025, Sparse Autoencoder Neural Operators, arXiv:2509.03738.
    """

    undivided = "all its latents read through one learnt lifting"
    scalable = True

    def __init__(self, d_in: int, width: int, lift: int) -> None:
        super().__init__(d_in=d_in, width=width, lift=checked_lift(lift, d_in))
        self.d_in, self.width = d_in, width
        self.lifting = nn.Parameter(torch.zeros(lift, d_in))
        self.weight = nn.Parameter(torch.zeros(width, lift))
        self.bias = nn.Parameter(torch.zeros(width))

    def directions(self) -> Float[Tensor, "width d"]:
        return self.weight @ self.lifting

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """A lifting that keeps lengths."""
        self.lifting.copy_(orthonormal(len(self.lifting), self.d_in, generator))

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        self.weight.mul_(factor)

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        """The weights with which the lifted space reads these directions."""
        self.weight.copy_(directions @ torch.linalg.pinv(self.lifting))
        self.bias.zero_()
