"""The sum of strengths, each as often as its atom has sites."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term


@final
@component("site_l1", example={"weight": 0.1})
class SiteL1(Term):
    """Strengths weighed by the sum of their atom's lengths in every site, mean over rows.

    An atom of unit length in one site costs 1, one spread evenly over n sites the square root of
    n, so that latents settle in as few sites as they can.

    Source: Lindsey et al. 2024, Sparse Crosscoders for Cross-Layer Features and Model Diffing. The
    penalty there is the same for atoms of any length; here the whole atom has length one.
    """

    is_sparsity_penalty = True

    def __init__(self, weight: float) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        sites = step.decoder.vectors().split(list(step.output_normalisation.sites), dim=1)
        lengths = torch.stack([site.norm(dim=1) for site in sites]).sum(0)
        return (step.values.abs() * lengths[step.support.indices]).sum() / step.x.shape[0]
