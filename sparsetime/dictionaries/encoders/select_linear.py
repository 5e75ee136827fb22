"""Encoders of one dot product a latent: select first, then differentiate what was selected."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.kernels import Rule, Support
from sparsetime.kernels.precision import selection_dtype


class SelectLinearEncoder(Encoder):
    """`directions() @ x + bias`, without a [rows, width] tensor at any moment; x is `read`.

    The large product needs no gradient and no float32: only the kept places are computed again,
    exactly, and differentiated.

    bias: [width].
    """

    bias: nn.Parameter

    @abstractmethod
    def directions(self) -> Float[Tensor, "width m"]:
        """Directions of the dot products, with gradients to their parameters."""

    def selected(
        self, x: Float[Tensor, "rows d"], rule: Rule, dtype: torch.dtype
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        return kernels.pre_activations(x, self.directions(), self.bias, rule, dtype)

    @torch.no_grad()
    def encoded(
        self, x: Float[Tensor, "rows d"], rule: Rule
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        dtype = selection_dtype(x.device)
        return kernels.exact_pre_activations(x, self.directions(), self.bias, rule, dtype)

    @torch.no_grad()
    def topk_among(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"], k: int
    ) -> Support:
        weight, bias = self.directions()[latents], self.bias[latents]
        # No pre-activation is below minus this bound, so adding it makes the largest positive.
        bound = x.norm(dim=1).max() * weight.norm(dim=1).max() + bias.abs().max() + 1
        among = kernels.select(x, weight, bias + bound, kernels.TopKRule(k))
        return Support(among.offsets, latents[among.indices], self.width)

    def preacts_of(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"]
    ) -> Float[Tensor, "rows some"]:
        return x @ kernels.take_rows(self.directions(), latents).T + self.bias[latents]

    def preacts_at(self, x: Float[Tensor, "rows d"], support: Support) -> Float[Tensor, " entries"]:
        return kernels.pre_activations_at(x, self.directions(), self.bias, support)
