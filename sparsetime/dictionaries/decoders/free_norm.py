"""Decoder whose atoms have any length."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.decoders.prefix_groups import checked_groups


@final
@component("free_norm")
class FreeNormDecoder(Decoder):
    """Free atoms of any length, with an offset and nested groups.

        x̂_n = b + Σ_i z_{n,i} · w_i

    Dictionaries of other libraries have such atoms, and their activation values are in units of
    them. A sparsity penalty must weigh values by the atoms' lengths (term `scaled_l1`), or long
    atoms would lower it. weight: [width, d_out]; bias: [d_out]; groups: ends of nested prefixes.

    Source: Conerly et al. 2024, Update on how we train SAEs (Circuits Updates, April 2024).
    """

    latent_tensors = frozenset({"weight"})

    def __init__(
        self, width: int, d_out: int, groups: tuple[int, ...] | list[int] | None = None
    ) -> None:
        ends = checked_groups(width, groups)
        super().__init__(width=width, d_out=d_out, groups=list(ends))
        self.width, self.d_out, self.groups = width, d_out, ends
        self.weight = nn.Parameter(torch.zeros(width, d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))

    def vectors(self) -> Float[Tensor, "width d"]:
        return self.weight

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random directions of unit length, uniform on the sphere."""
        self.weight.copy_(torch.randn(self.width, self.d_out, generator=generator))
        self.weight.div_(self.weight.norm(dim=1, keepdim=True).clamp_min_(1e-8))
