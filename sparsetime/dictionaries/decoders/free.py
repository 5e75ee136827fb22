"""Atoms that training moves freely on the sphere."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.decoders.decoder import Decoder


class FreeDecoder(Decoder):
    """Every atom its own parameter, of length one; kinds differ in where they begin.

    weight: [width, d_out], every row of unit Euclidean norm; bias: [d_out].
    """

    unit_rows = frozenset({"weight"})
    weight: nn.Parameter

    def vectors(self) -> Float[Tensor, "width d"]:
        return self.weight

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random directions, uniform on the sphere."""
        self.weight.copy_(torch.randn(self.width, self.d_out, generator=generator))
        self.normalise()

    @torch.no_grad()
    def normalise(self) -> None:
        """Back to length one."""
        self.weight.div_(self.weight.norm(dim=1, keepdim=True).clamp_min_(1e-8))
