"""Uniform distribution of sparsity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.distributions.distribution import Distribution


@final
@component("uniform")
class Uniform(Distribution):
    """The same sparsity in every matrix.

        s_l = s

    Source: Zhu and Gupta 2017, To prune, or not to prune.
    """

    def __init__(self) -> None:
        super().__init__()

    def sparsities(
        self,
        sizes: Sequence[tuple[int, ...]],
        sparsity: float,
        scores: Sequence[Float[Tensor, "out in"]],
    ) -> list[float]:
        return [sparsity] * len(sizes)
