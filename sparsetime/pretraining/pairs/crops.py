"""Overlapping crops: two contexts of the same steps."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Shaped
from torch import Tensor

from sparsetime.components import component
from sparsetime.errors import DataError
from sparsetime.pretraining.pairs.pair import Pair, PairSampler
from sparsetime.sequence_models.sequence_component import Count


@final
@component("crops")
class Crops(PairSampler):
    """Two random stretches of every sequence that overlap.

        first = x[a_1 : b_1],  second = x[a_2 : b_2],  0 <= a_1 <= a_2 < b_1 <= b_2 <= T

    The common steps a_2 to b_1 have two contexts. least: their number in vectors.

    Source: Yue et al. 2022, TS2Vec, arXiv:2106.10466, section "Random cropping".
    """

    def __init__(self, least: Count = 2) -> None:
        super().__init__(least=least)
        self.least = least

    def draw(
        self, x: Shaped[Tensor, "batch steps ..."], stride: int, random: torch.Generator
    ) -> Pair:
        """The two crops."""
        vectors = x.shape[1] // stride
        if vectors < self.least:
            raise DataError(
                f"got sequences of {vectors} vectors, expected at least {self.least}, which two "
                "crops share; give longer sequences or least=1"
            )
        common = _between(self.least, vectors, random)
        begin = _between(0, vectors - common, random)
        before = _between(0, begin, random)
        after = _between(begin + common, vectors, random)
        first = x[:, stride * before : stride * (begin + common)]
        second = x[:, stride * begin : stride * after]
        return Pair(first, second, stride * (begin - before), 0, stride * common)


def _between(low: int, high: int, random: torch.Generator) -> int:
    """A whole number from `low` to `high`, both included."""
    return int(torch.randint(low, high + 1, (1,), generator=random))
