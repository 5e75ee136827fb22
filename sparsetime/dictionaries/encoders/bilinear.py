"""Bilinear encoder: latents are quadratic polynomials of the activation."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.encoders.select_dense import SelectDenseEncoder
from sparsetime.kernels import Support


@final
@component("bilinear")
class BilinearEncoder(SelectDenseEncoder):
    """Bilinear encoder: the product of two affine functions per latent.

        pre = (L x + l) * (R x + r)    (elementwise)

    It is a quadratic form of `[x, 1]`, which `form` reads from the weights. Initially R = 0 and
    r = 1, so that a latent starts as linear.

    left L, right R: [width, d_in]; left_bias l, right_bias r: [width].

    Source: Dooms, Gauderis 2025, Finding Manifolds With Bilinear Autoencoders, arXiv:2510.16820;
    its latents have no biases.
    """

    latent_tensors = frozenset({"left", "left_bias", "right", "right_bias"})
    scalable = True

    def __init__(self, d_in: int, width: int) -> None:
        super().__init__(d_in=d_in, width=width)
        self.d_in, self.width = d_in, width
        self.left = nn.Parameter(torch.zeros(width, d_in))
        self.left_bias = nn.Parameter(torch.zeros(width))
        self.right = nn.Parameter(torch.zeros(width, d_in))
        self.right_bias = nn.Parameter(torch.ones(width))

    def pre_activations(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows width"]:
        return (x @ self.left.T + self.left_bias) * (x @ self.right.T + self.right_bias)

    def preacts_at(self, x: Float[Tensor, "rows d"], support: Support) -> Float[Tensor, " entries"]:
        left = kernels.pre_activations_at(x, self.left, self.left_bias, support)
        right = kernels.pre_activations_at(x, self.right, self.right_bias, support)
        return left * right

    def form(self, latent: int) -> Float[Tensor, "d_plus_1 d_plus_1"]:
        """The symmetric matrix Q with which the pre-activation is `[x, 1] @ Q @ [x, 1]`.

        x is what the encoder sees: normalised, and without the offset.
        """
        left = torch.cat([self.left[latent], self.left_bias[latent, None]])
        right = torch.cat([self.right[latent], self.right_bias[latent, None]])
        return (left.outer(right) + right.outer(left)) / 2

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        self.left.mul_(factor)

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        self.left.copy_(directions)
        self.left_bias.zero_()
        self.right.zero_()
        self.right_bias.fill_(1.0)
