"""Atoms that are mixtures of data."""

from __future__ import annotations

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.decoders.prefix_groups import checked_groups
from sparsetime.errors import ConfigError

_ITERATIONS = 10  # of k-means; the points need to cover the data, and not to be optimal


@final
@component("archetypal")
class ArchetypalDecoder(Decoder):
    """Every atom points to a convex mixture of `points` of the data, give or take `relaxation`.

    The points are cluster centres of the first batch, without the offset. Mixtures are softmaxes,
    so that no atom can leave the convex hull; the relaxation adds a free vector to each of at most
    that length, in units of the normalised activation. With `relaxation` 0 there is none (A-SAE),
    otherwise this is RA-SAE. Atoms are the directions of the mixtures, of length one.

    points: [points, d_out]; logits: [width, points]; beside: [width, d_out]; bias: [d_out].

    Source: Fel et al. 2025, Archetypal SAE, arXiv:2502.12892, after Cutler, Breiman 1994; the
    softmax is this library's way to stay on the simplex.
    """

    from_data = True
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
                f"an atom mixes at least 2 points and its relaxation is not negative; given: "
                f"{points} points and {relaxation}"
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
        """What the atoms point to: mixtures of the points, relaxed."""
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
        """Half of every atom is a point of its own, drawn in turns; the rest is all points."""
        points = self.points.shape[0]
        self.points.copy_(torch.randn(points, self.d_out, generator=generator))
        rounds = [torch.randperm(points, generator=generator) for _ in range(0, self.width, points)]
        own = torch.cat(rounds)[: self.width].to(self.logits.device)
        noise = torch.randn(self.width, points, generator=generator)
        self.logits.copy_(noise)
        self.logits[torch.arange(self.width), own] += math.log(points)

    @torch.no_grad()
    def init_from_data(self, x: Float[Tensor, "rows d"]) -> None:
        """The points become cluster centres of the sample."""
        self.points.copy_(cluster_centres(x, self.points.shape[0]))


@torch.no_grad()
def cluster_centres(x: Float[Tensor, "rows d"], count: int) -> Float[Tensor, "count d"]:
    """`count` cluster centres of rows by Lloyd's iteration, begun at rows evenly far apart.

    Where there are fewer rows than centres, rows stand more than once.
    """
    at = torch.arange(count, device=x.device) * x.shape[0] // count
    centres = x[at].clone()
    for _ in range(_ITERATIONS if x.shape[0] > count else 0):
        nearest = torch.cdist(x, centres).argmin(1)
        members = torch.bincount(nearest, minlength=count)
        sums = torch.zeros_like(centres).index_add_(0, nearest, x)
        occupied = members > 0
        centres[occupied] = sums[occupied] / members[occupied, None]
    return centres
