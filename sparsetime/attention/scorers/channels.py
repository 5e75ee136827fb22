"""Products over a few important channels of the keys as scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.scorers.fitted_scorer import FittedScorer
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("channels")
class Channels(FittedScorer):
    """Products over the channels that contribute most to scores, found once by calibration.

        s(i, j) = scale sum_{c in C} q_ic k_jc,   C = the r channels of largest mean |q_ic k_jc|

    Channels are chosen for every head of keys, over its heads of queries.

    Source: Yang et al. 2024, Post-training sparse attention with double sparsity, section 3.1.
    """

    def __init__(self, count: int = 8) -> None:
        if count < 1:
            raise ConfigError(f"got {count} channels, expected at least 1")
        super().__init__(count=count)
        self.count = count

    def projection_of(self, calls: Sequence[AttentionInputs]) -> Float[Tensor, "key_heads d r"]:
        size = sum(_size_of_terms(call) for call in calls)
        assert isinstance(size, Tensor)
        best = size.topk(min(self.count, size.shape[1]), 1).indices
        return functional.one_hot(best, size.shape[1]).float().mT


def _size_of_terms(call: AttentionInputs) -> Float[Tensor, "key_heads d"]:
    """Mean size of every channel's term of the products, as mean |q| times mean |k|."""
    q = call.q.float().abs().mean((0, 2)).unflatten(0, (-1, call.group)).mean(1)
    terms: Tensor = q * call.k.float().abs().mean((0, 2))
    return terms
