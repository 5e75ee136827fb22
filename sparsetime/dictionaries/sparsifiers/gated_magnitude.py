"""Gated sparsifier whose magnitude has a bias of its own."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.sparsifiers.gated import GatedBase
from sparsetime.kernels import Support


@final
@component("gated_magnitude")
class GatedMagnitude(GatedBase):
    """Gated sparsifier with a magnitude bias that does not depend on the gate's.

        z_i = relu(exp(s_i) (pre_i - b_i) + m_i) where pre_i > 0, else 0

    b: the encoder's bias, which is the gate's. These are the paper's coordinates, in which other
    libraries keep their weights; `gated` has m_i = exp(s_i) b_i + t_i.

    log_scale s, magnitude_bias m: [width].

    Source: Rajamanoharan et al. 2024, Improving Dictionary Learning with Gated Sparse Autoencoders,
    arXiv:2404.16014, equation 6.
    """

    latent_tensors = frozenset({"log_scale", "magnitude_bias"})

    def __init__(self, width: int) -> None:
        super().__init__(width=width)
        self.width = width
        self.log_scale = nn.Parameter(torch.zeros(width))
        self.magnitude_bias = nn.Parameter(torch.zeros(width))

    def incompatibility(self, composition: Composition) -> str | None:
        if isinstance(getattr(composition.encoder, "bias", None), Tensor):
            return None
        return (
            f"got the encoder {composition.encoder.kind!r} without a bias, expected one with it, "
            f"which is the gates'; take the encoder 'linear', or another sparsifier than "
            f"{self.kind!r}"
        )

    def magnitude(
        self, pre: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, " entries"]:
        bias = self.encoder.bias
        assert isinstance(bias, Tensor), "checked when the dictionary was composed"
        scale = self.log_scale.exp()
        # One vector at the entries, so that its gradient is summed once.
        shift = self.magnitude_bias - scale * bias
        magnitude: Tensor = kernels.at_entries(scale, support) * pre
        return magnitude + kernels.at_entries(shift, support)
