"""Distance encoder: latents fire near a point of the unit sphere."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.encoders.select_dense import SelectDenseEncoder
from sparsetime.kernels import Support

_SMALL = 1e-6  # keeps the root's gradient finite where a row lies on a latent's own point


@final
@component("distance")
class DistanceEncoder(SelectDenseEncoder):
    """Distance encoder, of the Euclidean distance between normalised vectors.

        pre = s * (2 - || x / |x| - w / |w| ||)

    The second factor is 2 in the latent's own direction and 0 opposite it. The length of a row
    does not matter, and near rows have near codes. The scale s is learnt, because rows have a
    length.

    weight w: [width, d_in]; scale s: [].

    Source: Shen et al. 2025, VL-SAE, arXiv:2510.21323, written from its abstract and summaries.
    They name the distance of normalised rows, and not how it becomes an activation value.
    """

    undivided = "all its latents have one learnt scale"
    scalable = True

    def __init__(self, d_in: int, width: int) -> None:
        super().__init__(d_in=d_in, width=width)
        self.d_in, self.width = d_in, width
        self.weight = nn.Parameter(torch.zeros(width, d_in))
        self.scale = nn.Parameter(torch.tensor(1.0))

    def pre_activations(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows width"]:
        return self.scale * _nearness(normalize(x, dim=1) @ normalize(self.weight, dim=1).T)

    def preacts_at(self, x: Float[Tensor, "rows d"], support: Support) -> Float[Tensor, " entries"]:
        unit = normalize(self.weight, dim=1)
        return self.scale * _nearness(kernels.gather_dot(normalize(x, dim=1), unit, support))

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        self.scale.mul_(factor)

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        self.weight.copy_(directions)
        self.scale.fill_(1.0)


def _nearness(cosine: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Two minus the distance of unit vectors with this cosine."""
    return 2 - (2 - 2 * cosine).clamp_min(_SMALL).sqrt()
