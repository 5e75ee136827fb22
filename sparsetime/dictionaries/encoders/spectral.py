"""Spectral encoder: latents read a band of frequencies of the last steps."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.decoders.spectral import SpectralDecoder, in_time
from sparsetime.dictionaries.encoders.windowed import WindowEncoder
from sparsetime.dictionaries.state.causal_window import checked_window
from sparsetime.dictionaries.state.frequency_bands import band_mask, fourier_basis


@final
@component("spectral")
class SpectralEncoder(WindowEncoder):
    """Windowed encoder whose weights hold the frequencies of one band for each latent.

        pre[t] = Σ_{f in band(i)} <e_{i,f}, X_f[t]> + b_i,    X_f[t] = Σ_a ψ_f(a) x[t - a]

    weight e: [width, window * d_in], zero outside of the band; bias b: [width].

    Source: the spectral crosscoder of TempBench (github.com/chainik1125/temp_xc), from its
    description.
    """

    mask: Tensor
    basis: Tensor

    def __init__(self, d_in: int, width: int, window: int = 8, bands: int = 4) -> None:
        super().__init__(d_in=d_in, width=width, window=checked_window(window), bands=bands)
        self.d_in, self.width, self.window, self.bands = d_in, width, window, bands
        self.weight = nn.Parameter(torch.zeros(width, window * d_in))
        self.bias = nn.Parameter(torch.zeros(width))
        mask = band_mask(width, window, bands)
        self.register_buffer("mask", mask, persistent=False)
        self.register_buffer("basis", fourier_basis(window), persistent=False)

    def directions(self) -> Float[Tensor, "width m"]:
        return in_time(self.weight, self.mask, self.basis)

    def incompatibility(self, composition: Composition) -> str | None:
        decoder = composition.decoder
        bands = (self.window, self.bands)
        if isinstance(decoder, SpectralDecoder) and (decoder.window, decoder.bands) == bands:
            return None
        return (
            f"got the decoder {getattr(decoder, 'kind', decoder)!r}, expected 'spectral' with "
            f"window={self.window} and bands={self.bands}, as the encoder 'spectral' has; take it"
        )

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        """As the atoms are over their window."""
        decoder = self.decoder
        assert isinstance(decoder, SpectralDecoder), "checked when composed"
        self.bias.zero_()
        if decoder.weight.shape == self.weight.shape:
            self.weight.copy_(decoder.weight)
