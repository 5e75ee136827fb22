"""Fourier encoder: latents read the lowest Fourier modes of a function on a regular grid."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.encoders.select_linear import SelectLinearEncoder
from sparsetime.dictionaries.function_spaces.fourier import fourier_basis


@final
@component("fourier", example={"modes": 2})
class FourierEncoder(SelectLinearEncoder):
    """Fourier encoder of functions that are sampled at `d_in` regular points.

        pre = (C B) x + b

    B: [2 modes - 1, d_in], the orthonormal basis of the lowest modes; higher modes are not read. No
    weight belongs to a point, so `at_resolution` moves the encoder to other grids.

    coefficients C: [width, 2 modes - 1]; bias b: [width].

    Source: Tolooshams et al. 2025, Sparse Autoencoder Neural Operators, arXiv:2509.03738. Its codes
    are functions too; one number per latent is the case of a single domain.
    """

    basis: Tensor

    latent_tensors = frozenset({"coefficients", "bias"})
    scalable = True

    def __init__(self, d_in: int, width: int, modes: int) -> None:
        basis = fourier_basis(modes, d_in)
        super().__init__(d_in=d_in, width=width, modes=modes)
        self.d_in, self.width, self.modes = d_in, width, modes
        self.register_buffer("basis", basis, persistent=False)
        self.coefficients = nn.Parameter(torch.zeros(width, len(basis)))
        self.bias = nn.Parameter(torch.zeros(width))

    def directions(self) -> Float[Tensor, "width d"]:
        return self.coefficients @ self.basis

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        self.coefficients.mul_(factor)

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        """Project the directions onto the modes."""
        self.coefficients.copy_(directions @ self.basis.T)
        self.bias.zero_()
