"""ERK: Erdos-Renyi distribution of sparsity, with kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.distributions.distribution import Distribution


@final
@component("erk")
class ERK(Distribution):
    """Densities proportional to the sum of a matrix's sizes by their product.

        1 - s_l = min(1, c (out + in + kernel sizes) / (out in kernel sizes))

    c is such that all matrices together have the sparsity s. Small matrices stay denser.

    Source: Evci et al. 2020, Rigging the Lottery: Making All Tickets Winners, section 3.
    """

    def __init__(self) -> None:
        super().__init__()

    def sparsities(
        self,
        sizes: Sequence[tuple[int, ...]],
        sparsity: float,
        scores: Sequence[Float[Tensor, "out in"]],
    ) -> list[float]:
        counts = [math.prod(size) for size in sizes]
        raw = [sum(size) / count for size, count in zip(sizes, counts, strict=True)]
        budget = (1 - sparsity) * sum(counts)
        dense: set[int] = set()
        while True:
            left = budget - sum(counts[i] for i in dense)
            weighted = sum(raw[i] * counts[i] for i in range(len(sizes)) if i not in dense)
            factor = left / weighted if weighted else 0.0
            over = {i for i in range(len(sizes)) if i not in dense and factor * raw[i] > 1}
            if not over:
                break
            dense |= over
        return [0.0 if i in dense else 1 - factor * raw[i] for i in range(len(sizes))]
