"""Unmixing encoder: the inverse of the mixing that the decoder has identified."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.decoders.lagged_covariance import LaggedCovarianceDecoder
from sparsetime.dictionaries.encoders.select_linear import SelectLinearEncoder


@final
@component("unmixing")
class UnmixingEncoder(SelectLinearEncoder):
    """Values of the sources that the decoder has identified.

        pre = U x

    U: the decoder's unmixing [width, d_in], computed and saved by it. Nothing is trained.

    Source: Tong, Soon, Huang, Liu 1990, AMUSE: a new blind identification algorithm, ISCAS.
    """

    undivided = "atoms are eigenvectors of all activations"

    def __init__(self, d_in: int, width: int) -> None:
        super().__init__(d_in=d_in, width=width)
        self.d_in, self.width = d_in, width
        self.register_buffer("bias", torch.zeros(width))

    def directions(self) -> Float[Tensor, "width d"]:
        decoder = self.decoder
        assert isinstance(decoder, LaggedCovarianceDecoder), "checked when composed"
        return decoder.unmixing

    def incompatibility(self, composition: Composition) -> str | None:
        if isinstance(composition.decoder, LaggedCovarianceDecoder):
            return None
        return (
            "got a decoder without an unmixing, expected 'lagged_covariance' for the encoder "
            "'unmixing'; take both"
        )

    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        """The decoder has the directions."""
