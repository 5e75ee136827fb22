"""Decoder in which every two latents share an atom."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.errors import ConfigError


@final
@component("twofold")
class SharedPairDecoder(Decoder):
    """Two latents per atom: latent i and latent i + width / 2 share one direction.

        x̂_n = b + Σ_{i < width/2} (z_{n,i} + z_{n,i+width/2}) · w_i,    ||w_i|| = 1

    A code can therefore split each direction between two causes, such as the predicted and the
    novel. The halves are nested groups, so metrics and pages distinguish them.

    weight: [width / 2, d_out]; bias: [d_out].

    Source: the split of Lubana et al. 2025, Priors in Time, arXiv:2511.01836, whose authors keep
    two codes of the same latents; one code of twice the width is this library's.

    Errors: ConfigError for an odd width.
    """

    unit_rows = frozenset({"weight"})

    undivided = "two of its latents share an atom"

    def __init__(self, width: int, d_out: int) -> None:
        if width % 2:
            raise ConfigError(
                f"got width={width}, expected an even number: every two latents share an atom"
            )
        super().__init__(width=width, d_out=d_out)
        self.width, self.d_out, self.groups = width, d_out, (width // 2, width)
        self.weight = nn.Parameter(torch.zeros(width // 2, d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))

    def vectors(self) -> Float[Tensor, "width d"]:
        return self.weight.repeat(2, 1)

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random directions, uniform on the sphere."""
        self.weight.copy_(torch.randn(self.weight.shape, generator=generator))
        self.weight.div_(self.weight.norm(dim=1, keepdim=True).clamp_min_(1e-8))
