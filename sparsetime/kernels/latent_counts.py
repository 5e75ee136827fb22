"""What a sparse code shows of its latents, in one pass: how often, when last, and with whom."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from sparsetime.kernels.dispatch import backend
from sparsetime.support import Support


@dataclass(frozen=True)
class Statistics:
    """Counts over the rows of a code.

    fired: int64 [width], on how many rows each latent is on; last: int64 [width], the last of
    these rows, -1 where there is none.
    Latent `i` is on together with `partners[n]`, which is larger than `i`, on `together[n]` rows,
    for n in `offsets[i]:offsets[i + 1]`; partners ascend, and those never met are left out.
    """

    fired: Int[Tensor, " width"]
    last: Int[Tensor, " width"]
    offsets: Int[Tensor, " width_plus_1"]
    partners: Int[Tensor, " pairs"]
    together: Int[Tensor, " pairs"]


@torch.no_grad()
def statistics(support: Support) -> Statistics:
    """Firing counts, last firings and co-firing of the entries of a code.

    Costs one step for each pair of latents in a row: k squared over two a row.
    """
    return backend(support.indices).statistics(support)
