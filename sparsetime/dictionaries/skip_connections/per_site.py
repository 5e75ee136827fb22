"""Linear skip connection within each of several joined sites."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.site_split import share_ends
from sparsetime.dictionaries.skip_connections.skip_connection import SkipConnection


@final
@component("one_site", example={"sites": 2})
class PerSiteSkip(SkipConnection):
    """Linear skip connection from each site of a cross-layer transcoder to the output beside it.

        x̂[s] = W[s] x[s] + b[s] + Σ_i z_i · atom_i[s]    for each site s, W initialised at zero

    Sites have one size on either side and are joined in the order of the model.

    weight W: [sites, d_out / sites, d_in / sites].

    Source: the affine cross-layer transcoders of McDougall et al. 2025, Gemma Scope 2 - Technical
    Paper; a skip transcoder (arXiv:2501.18823) has one such map.

    Errors: ConfigError where the sites do not divide d_in and d_out.
    """

    def __init__(self, d_in: int, d_out: int, sites: int) -> None:
        super().__init__(d_in=d_in, d_out=d_out, sites=sites)
        self.d_in, self.d_out, self.sites = d_in, d_out, sites
        read, written = share_ends("d_in", d_in, sites)[0], share_ends("d_out", d_out, sites)[0]
        self.weight = nn.Parameter(torch.zeros(sites, written, read))

    def predict(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows d_out"]:
        by_site = x.unflatten(1, (self.sites, -1))
        return torch.einsum("nsi,soi->nso", by_site, self.weight).flatten(1)
