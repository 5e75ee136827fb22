"""Atoms that write to their own site and to all later ones."""

from __future__ import annotations

from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.decoders.free import FreeDecoder
from sparsetime.dictionaries.site_split import share_ends


@final
@component("onward", example={"sites": 2})
class CrossLayerDecoder(FreeDecoder):
    """The latents are as many equal shares as there are sites; no share writes to earlier sites.

    Sites have one size and stand side by side in what is written, in the order of the model. The
    length of an atom is one over all the sites that it writes to. With one site these are free
    atoms.

    weight: [width, d_out], zero in the sites before a latent's own; bias: [d_out].

    Source: Ameisen et al. 2025, Circuit Tracing: Revealing Computational Graphs in Language Models.

    Errors: ConfigError where the sites do not divide d_out and the width.
    """

    reach: Tensor

    def __init__(self, width: int, d_out: int, sites: int) -> None:
        super().__init__(width=width, d_out=d_out, sites=sites)
        self.width, self.d_out, self.groups, self.sites = width, d_out, (width,), sites
        self.weight = nn.Parameter(torch.zeros(width, d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))
        mask = torch.zeros(width, d_out)
        latents, dims = share_ends("width", width, sites), share_ends("d_out", d_out, sites)
        for (first, last), low in zip(pairwise((0, *latents)), (0, *dims), strict=False):
            mask[first:last, low:] = 1
        # Not saved: it follows from the settings.
        self.register_buffer("reach", mask, persistent=False)

    def vectors(self) -> Float[Tensor, "width d"]:
        # The product keeps gradients, and so weights, out of the earlier sites.
        return self.weight * self.reach

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random directions, uniform on the sphere of the sites that a latent writes to."""
        self.weight.copy_(torch.randn(self.width, self.d_out, generator=generator) * self.reach)
        self.normalise()

    def incompatibility(self, composition: Composition) -> str | None:
        read = getattr(composition.encoder, "sites", self.sites)
        if read == self.sites:
            return None
        return (
            f"the encoder reads {read} sites and the atoms write {self.sites}: a latent writes to "
            "its own site and those after it, so both must have the same sites"
        )
