"""Archetypal decoder: atoms that are mixtures of data points."""

from __future__ import annotations

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from sparsetime.components import component
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.decoders.prefix_groups import checked_groups
from sparsetime.errors import ConfigError

_ITERATIONS = 10  # of k-means; the points need to cover the data, and not to be optimal


@final
@component("archetypal")
class ArchetypalDecoder(Decoder):
    """Archetypal atoms: directions of convex mixtures of data points, plus a relaxation.

        m_i = Σ_p softmax(logits_i)_p · points_p + r_i,    ||r_i|| <= relaxation
        x̂_n = b + Σ_i z_{n,i} · m_i / ||m_i||

    The points are cluster centres of the first batch, without the offset. A softmax keeps a
    mixture within their convex hull. With `relaxation` 0 there is no r_i (A-SAE); otherwise this
    is RA-SAE. Lengths are in units of the normalised activation.

    points: [points, d_out]; logits: [width, points]; beside: [width, d_out], the unbounded r;
    bias: [d_out].

    Source: Fel et al. 2025, Archetypal SAE, arXiv:2502.12892, after Cutler and Breiman 1994,
    Archetypal Analysis; the softmax is this library's way to stay on the simplex.
    """

    from_data = True
    latent_tensors = frozenset({"logits", "beside"})
    points: Tensor

    def __init__(
        self,
        width: int,
        d_out: int,
        groups: tuple[int, ...] | list[int] | None = None,
        points: int = 256,
        relaxation: float = 0.0,
    ) -> None:
        if points < 2 or relaxation < 0:
            raise ConfigError(
                f"got points={points} and relaxation={relaxation}, expected at least 2 points and "
                "a relaxation of at least 0"
            )
        ends = checked_groups(width, groups)
        super().__init__(
            width=width, d_out=d_out, groups=list(ends), points=points, relaxation=relaxation
        )
        self.width, self.d_out, self.groups, self.relaxation = width, d_out, ends, relaxation
        self.register_buffer("points", torch.zeros(points, d_out))
        self.logits = nn.Parameter(torch.zeros(width, points))
        self.bias = nn.Parameter(torch.zeros(d_out))
        if relaxation:
            self.beside = nn.Parameter(torch.zeros(width, d_out))

    def mixtures(self) -> Float[Tensor, "width d"]:
        """Relaxed mixtures of the points, the atoms before normalisation."""
        mixed: Tensor = self.logits.softmax(1) @ self.points
        if not self.relaxation:
            return mixed
        length = self.beside.norm(dim=1, keepdim=True)
        relaxed: Tensor = self.beside * (self.relaxation / length.clamp_min(self.relaxation))
        return mixed + relaxed

    def vectors(self) -> Float[Tensor, "width d"]:
        return normalize(self.mixtures(), dim=1)

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Half of the weight of every atom is on one point, drawn in turn; the rest is on all."""
        points = self.points.shape[0]
        self.points.copy_(torch.randn(points, self.d_out, generator=generator))
        permutations = [
            torch.randperm(points, generator=generator) for _ in range(0, self.width, points)
        ]
        nearest = torch.cat(permutations)[: self.width].to(self.logits.device)
        noise = torch.randn(self.width, points, generator=generator)
        self.logits.copy_(noise)
        self.logits[torch.arange(self.width), nearest] += math.log(points)

    @torch.no_grad()
    def init_from_data(self, x: Float[Tensor, "rows d"]) -> None:
        """Set the points to cluster centres of the sample."""
        self.points.copy_(cluster_centres(x, self.points.shape[0]))


@torch.no_grad()
def cluster_centres(x: Float[Tensor, "rows d"], count: int) -> Float[Tensor, "count d"]:
    """k-means cluster centres of rows by Lloyd's iteration, initialised at evenly spaced rows.

    Where there are fewer rows than centres, rows are repeated.

    Source: Lloyd 1982, Least squares quantization in PCM.
    """
    spaced = torch.arange(count, device=x.device) * x.shape[0] // count
    centres = x[spaced].clone()
    for _ in range(_ITERATIONS if x.shape[0] > count else 0):
        nearest = torch.cdist(x, centres).argmin(1)
        members = torch.bincount(nearest, minlength=count)
        sums = torch.zeros_like(centres).index_add_(0, nearest, x)
        occupied = members > 0
        centres[occupied] = sums[occupied] / members[occupied, None]
    return centres
