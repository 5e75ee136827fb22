"""Fourier decoder: atoms that are smooth functions on a grid."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.decoders.prefix_groups import checked_groups
from sparsetime.dictionaries.function_spaces.fourier import fourier_basis


@final
@component("fourier", example={"modes": 2})
class FourierDecoder(Decoder):
    """Atoms that are functions of few Fourier modes on a regular grid of `d_out` points.

        x̂_n = b + Σ_i z_{n,i} · c_i F,    ||c_i|| = 1,    F: [2 modes - 1, d_out], orthonormal rows

    coefficients: [width, 2 modes - 1], the c_i; bias: [d_out].

    Source: Tolooshams et al. 2025, Sparse Autoencoder Neural Operators, arXiv:2509.03738.
    """

    unit_rows = frozenset({"coefficients"})
    latent_tensors = frozenset({"coefficients"})
    basis: Tensor

    def __init__(
        self,
        width: int,
        d_out: int,
        modes: int,
        groups: tuple[int, ...] | list[int] | None = None,
    ) -> None:
        basis, ends = fourier_basis(modes, d_out), checked_groups(width, groups)
        super().__init__(width=width, d_out=d_out, modes=modes, groups=list(ends))
        self.width, self.d_out, self.modes, self.groups = width, d_out, modes, ends
        self.register_buffer("basis", basis, persistent=False)
        self.coefficients = nn.Parameter(torch.zeros(width, len(basis)))
        self.bias = nn.Parameter(torch.zeros(d_out))

    def vectors(self) -> Float[Tensor, "width d"]:
        return self.coefficients @ self.basis

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random functions of unit norm."""
        self.coefficients.copy_(torch.randn(self.coefficients.shape, generator=generator))
        self.coefficients.div_(self.coefficients.norm(dim=1, keepdim=True))
