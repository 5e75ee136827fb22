"""Firing counts, last firings and co-activation counts of the latents of a code."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from sparsetime.kernels.dispatch import backend
from sparsetime.support import Support


@dataclass(frozen=True)
class LatentCounts:
    """Counts over the rows of a code.

    fired: int64 [width], rows on which each latent is active; last: int64 [width], the last of
    these rows, -1 where there is none. Co-activation is in compressed rows: latent `i` is active
    together with latent `partners[n]` > `i` on `together[n]` rows, for n in
    `offsets[i]:offsets[i + 1]`. Partners ascend; pairs without a common row are left out.
    """

    fired: Int[Tensor, " width"]
    last: Int[Tensor, " width"]
    offsets: Int[Tensor, " width_plus_1"]
    partners: Int[Tensor, " pairs"]
    together: Int[Tensor, " pairs"]


@torch.no_grad()
def count_latents(support: Support) -> LatentCounts:
    """Firing counts, last firings and co-activation of the latents of a code.

    The cost is k² / 2 a row: one operation for every pair of its active latents.
    """
    return backend(support.indices).count_latents(support)
