"""L1 penalty weighted by the norms of atoms over sites (crosscoders)."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term


@final
@component("site_l1", example={"weight": 0.1})
class SiteL1(Term):
    """L1 penalty weighted by the summed norms of a latent's atom over all sites (crosscoders).

        loss = 1 / n · Σ_{row, i} |z_i| · Σ_site ||atom_i^(site)||

    An atom of unit norm within one site costs 1; one spread evenly over s sites costs sqrt(s).
    Latents therefore settle in as few sites as they can.

    Source: Lindsey et al. 2024, Sparse Crosscoders for Cross-Layer Features and Model Diffing.
    There atoms have any length; here the whole atom has length one.
    """

    is_sparsity_penalty = True
    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, weight: float) -> None:
        super().__init__(weight=weight)

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        sites = step.decoder.vectors().split(list(step.output_normalisation.sites), dim=1)
        norms = torch.stack([site.norm(dim=1) for site in sites]).sum(0)
        return step.per_row((step.values.abs() * norms[step.support.indices]).sum())
