"""Atoms that every two latents share."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.errors import ConfigError


@final
@component("twofold")
class SharedPairDecoder(Decoder):
    """Half as many atoms as latents: latent `i` and latent `i + width / 2` mean the same direction.

    So a code can say for every direction how much of it comes from one cause and how much from
    another. The two halves are nested groups, so that the first half is told from the second
    wherever groups are.

    weight: [width / 2, d_out], every row of unit Euclidean norm; bias: [d_out].

    Errors: ConfigError for an odd width.
    """

    unit_rows = frozenset({"weight"})

    def __init__(self, width: int, d_out: int) -> None:
        if width % 2:
            raise ConfigError(
                f"every two latents share an atom, so the width must be even; given: {width}"
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
