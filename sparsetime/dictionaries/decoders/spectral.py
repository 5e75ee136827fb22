"""Spectral decoder: atoms over a window, each within a band of frequencies."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.decoders.windowed import WindowDecoder
from sparsetime.dictionaries.state.causal_window import checked_window
from sparsetime.dictionaries.state.frequency_bands import band_mask, fourier_basis


@final
@component("spectral")
class SpectralDecoder(WindowDecoder):
    """Atoms over a window that hold the frequencies of one band.

        w_i^(a) = Σ_{f in band(i)} c_{i,f} ψ_f(a),   Σ_f ||c_{i,f}||² = 1,   ψ: real Fourier basis

    With one band this is the windowed decoder in another basis. Bands have shares of the latents
    by their number of basis functions.

    weight c: [width, window * d_out], zero outside of the band; bias: [d_out].

    Source: the spectral crosscoder of TempBench (github.com/chainik1125/temp_xc), from its
    description: a band of frequencies for each latent. There bases are cosines (DCT), and later
    Fourier; a code has a number of active latents for each band, here for all together.
    """

    unit_rows = frozenset({"weight"})
    mask: Tensor
    basis: Tensor

    def __init__(self, width: int, d_out: int, window: int = 8, bands: int = 4) -> None:
        super().__init__(width=width, d_out=d_out, window=checked_window(window), bands=bands)
        self.width, self.d_out, self.groups = width, d_out, (width,)
        self.window, self.bands = window, bands
        self.weight = nn.Parameter(torch.zeros(width, window * d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))
        mask = band_mask(width, window, bands)
        self.register_buffer("mask", mask, persistent=False)
        self.register_buffer("basis", fourier_basis(window), persistent=False)

    def over_time(self) -> Float[Tensor, "width m"]:
        return in_time(self.weight, self.mask, self.basis)

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random coefficients within each band, uniform on the sphere."""
        drawn = torch.randn(self.width, self.window, self.d_out, generator=generator)
        self.weight.copy_((drawn * self.mask[..., None]).flatten(1))
        self.weight.div_(self.weight.norm(dim=1, keepdim=True).clamp_min_(1e-8))


def in_time(
    coefficients: Float[Tensor, "width m"],
    mask: Tensor,
    basis: Float[Tensor, "window window"],
) -> Float[Tensor, "width m"]:
    """Rows over the steps of a window, from coefficients [width, window * d] of its basis."""
    window = basis.shape[0]
    masked = coefficients.unflatten(1, (window, -1)) * mask[..., None]
    return torch.einsum("wfd,ft->wtd", masked, basis).flatten(1)
