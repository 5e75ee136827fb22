"""An encoder of functions, which reads their lowest Fourier modes."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.encoders.select_linear import SelectLinearEncoder
from sparsetime.dictionaries.function_spaces.fourier import fourier_basis


@final
@component("fourier", example={"modes": 2})
class FourierEncoder(SelectLinearEncoder):
    """A latent is the integral of the activation, a function on a regular grid of `d_in` points,
    with a function of its own of few Fourier modes.

    Modes above are not seen, and no weight belongs to a point: `at_resolution` reads other grids.

    coefficients: [width, 2 modes - 1]; bias: [width].

    Source: Tolooshams et al. 2025, Sparse Autoencoder Neural Operators, arXiv:2509.03738, whose
    codes are functions too; a number for each latent is the case of one whole domain.
    """

    basis: Tensor

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
        """What the directions have in the modes."""
        self.coefficients.copy_(directions @ self.basis.T)
        self.bias.zero_()
