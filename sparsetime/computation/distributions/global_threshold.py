"""Global distribution of sparsity: one threshold for all matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.distributions.distribution import Distribution
from sparsetime.computation.structures.structure import kept_count, top_mask


@final
@component("global")
class GlobalThreshold(Distribution):
    """As many entries of each matrix as have a score above one threshold for all.

        s_l = share of the entries of l with score < t,  t: the s-quantile of all scores

    It compares scores of different matrices, which only some scores allow, such as magnitude.

    Source: Han et al. 2015, Learning both weights and connections for efficient neural networks.
    """

    reads_scores = True

    def __init__(self) -> None:
        super().__init__()

    def sparsities(
        self,
        sizes: Sequence[tuple[int, ...]],
        sparsity: float,
        scores: Sequence[Float[Tensor, "out in"]],
    ) -> list[float]:
        flat = torch.cat([score.flatten().cpu() for score in scores])
        kept = top_mask(flat, kept_count(len(flat), sparsity))
        parts = kept.split([score.numel() for score in scores])
        return [1 - float(part.double().mean()) for part in parts]
