"""Cross-layer decoder: atoms that write to their own site and to all later ones."""

from __future__ import annotations

from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.site_split import share_ends


class CrossLayerBase(Decoder):
    """Base class of atoms that write to their own site and to all later ones.

        x̂_n^(m) = b^(m) + Σ_{l <= m} Σ_{i in share l} z_{n,i} · w_i^(m)

    The latents are divided into as many equal shares as there are sites. Sites have one size and
    stand side by side in the output, in the order of the model.

    weight: [width, d_out], zero at the sites before a latent's own; bias: [d_out].

    Errors: ConfigError where the sites do not divide d_out and the width.
    """

    reach: Tensor
    weight: nn.Parameter

    latent_tensors = None
    undivided = "its latents belong to sites in equal, contiguous shares"

    def __init__(self, width: int, d_out: int, sites: int) -> None:
        super().__init__(width=width, d_out=d_out, sites=sites)
        self.width, self.d_out, self.groups, self.sites = width, d_out, (width,), sites
        self.weight = nn.Parameter(torch.zeros(width, d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))
        mask = torch.zeros(width, d_out)
        latents, dims = share_ends("width", width, sites), share_ends("d_out", d_out, sites)
        for (first, last), low in zip(pairwise((0, *latents)), (0, *dims), strict=False):
            mask[first:last, low:] = 1
        # Not saved, because the settings determine it.
        self.register_buffer("reach", mask, persistent=False)

    def vectors(self) -> Float[Tensor, "width d"]:
        # The product zeroes gradients, and so weights, at the earlier sites.
        return self.weight * self.reach

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random directions, uniform on the sphere of the sites that a latent writes to."""
        self.weight.copy_(torch.randn(self.width, self.d_out, generator=generator) * self.reach)
        self.weight.div_(self.weight.norm(dim=1, keepdim=True).clamp_min_(1e-8))

    def incompatibility(self, composition: Composition) -> str | None:
        sites = getattr(composition.encoder, "sites", self.sites)
        if sites == self.sites:
            return None
        return (
            f"got an encoder of {sites} sites and a decoder of {self.sites}, expected the same "
            "number: a latent writes to its own site and to those after it"
        )


@final
@component("onward", example={"sites": 2})
class CrossLayerDecoder(CrossLayerBase):
    """Atoms of a cross-layer transcoder: latents of site l write to the sites l, l + 1, ...

        x̂_n^(m) = b^(m) + Σ_{l <= m} Σ_{i in share l} z_{n,i} · w_i^(m),    Σ_m ||w_i^(m)||² = 1

    With one site these are unit-norm atoms. weight, bias and sites: as of `CrossLayerBase`.

    Source: Ameisen et al. 2025, Circuit Tracing: Revealing Computational Graphs in Language
    Models.
    """

    unit_rows = frozenset({"weight"})


@final
@component("onward_free", example={"sites": 2})
class FreeCrossLayerDecoder(CrossLayerBase):
    """Atoms of a cross-layer transcoder, of any length, as other libraries keep them.

        x̂_n^(m) = b^(m) + Σ_{l <= m} Σ_{i in share l} z_{n,i} · w_i^(m)

    weight, bias and sites: as of `CrossLayerBase`.

    Source: Ameisen et al. 2025, Circuit Tracing: Revealing Computational Graphs in Language
    Models.
    """
