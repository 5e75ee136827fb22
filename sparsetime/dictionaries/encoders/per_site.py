"""Per-site encoder: every latent reads one of several joined sites."""

from __future__ import annotations

from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.encoders.select_dense import SelectDenseEncoder
from sparsetime.dictionaries.site_split import share_ends
from sparsetime.kernels import Support


@final
@component("one_site", example={"sites": 2})
class PerSiteEncoder(SelectDenseEncoder):
    """Per-site encoder, with an equal number of latents for every site.

        pre[s] = W[s] x[s] + b[s]    for each site s

    Sites have one size and are joined in the order of the model. With one site this is the linear
    encoder.

    weight W: [width, d_in / sites]; bias b: [width].

    Source: the encoder of a cross-layer transcoder, Ameisen et al. 2025, Circuit Tracing: Revealing
    Computational Graphs in Language Models.

    Errors: ConfigError where the sites do not divide d_in and the width.
    """

    undivided = "its latents belong to sites in equal, contiguous shares"
    scalable = True

    def __init__(self, d_in: int, width: int, sites: int) -> None:
        super().__init__(d_in=d_in, width=width, sites=sites)
        self.d_in, self.width, self.sites = d_in, width, sites
        self.ends = share_ends("width", width, sites)
        self._dims = share_ends("d_in", d_in, sites)
        self.weight = nn.Parameter(torch.zeros(width, d_in // sites))
        self.bias = nn.Parameter(torch.zeros(width))

    def pre_activations(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows width"]:
        seen = x.chunk(self.sites, dim=1)
        weights = self.weight.chunk(self.sites)
        by_site = [site @ weight.T for site, weight in zip(seen, weights, strict=True)]
        return torch.cat(by_site, dim=1) + self.bias

    def preacts_at(self, x: Float[Tensor, "rows d"], support: Support) -> Float[Tensor, " entries"]:
        # A row of several sites is several rows of one, each with the entries of its own share.
        rows = x.reshape(-1, self.weight.shape[1])
        finer = kernels.by_group(support, self.ends)
        return kernels.gather_dot(rows, self.weight, finer) + kernels.at_entries(self.bias, support)

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        self.weight.mul_(factor)

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        """Each latent begins as the part of its direction that lies in its own site."""
        latents, dims = (pairwise((0, *ends)) for ends in (self.ends, self._dims))
        for (first, last), (low, high) in zip(latents, dims, strict=True):
            self.weight[first:last] = normalize(directions[first:last, low:high], dim=1)
        self.bias.zero_()
