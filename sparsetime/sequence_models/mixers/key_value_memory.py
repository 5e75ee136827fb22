"""Mixers that keep every earlier key and value, and weight values by a function of their keys."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.sequence_models.mixers.mixer import (
    Mixer,
    MixerState,
    check_divides,
    join_heads,
    split_heads,
)


class KeyValueMixer(Mixer):
    """Outputs y_t = sum_{i <= t} weight[t, i] v_i, with weights of queries and earlier keys.

    A subclass defines `weights`. The state holds every earlier key and value, and grows.
    """

    extra_sites = ("reads",)  # the state grows, so a row of it has no fixed size

    def __init__(self, d: int, heads: int, **settings: Any) -> None:
        super().__init__(d=d, heads=heads, **settings)
        check_divides(heads, d)
        self.heads = heads
        self.inputs = nn.Linear(d, 3 * d, bias=False)
        self.out = nn.Linear(d, d, bias=False)

    @abstractmethod
    def weights(
        self, q: Tensor, k: Tensor, allowed: Bool[Tensor, ...]
    ) -> Float[Tensor, "batch heads queries keys"]:
        """The weight of every value in every output; 0 where `allowed` is false."""

    def mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        """The outputs of all steps, and all keys and values so far."""
        q, k, v = (split_heads(one, self.heads) for one in self.inputs(x).chunk(3, -1))
        is_step = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        if past is not None:
            k, v = torch.cat([past["keys"], k], 2), torch.cat([past["values"], v], 2)
            is_step = torch.cat([past["is_step"], is_step], 1)
        weights = self.weights(q, k, _earlier(x.shape[1], is_step))
        state = MixerState({"keys": k, "values": v, "is_step": is_step})
        return self.out(join_heads(weights @ v)), state

    def read_weights(
        self, x: Float[Tensor, "batch time d"]
    ) -> Float[Tensor, "batch heads time time"]:
        """The weight of every value."""
        q, k, _ = (split_heads(one, self.heads) for one in self.inputs(x).chunk(3, -1))
        is_step = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        return self.weights(q, k, _earlier(x.shape[1], is_step))

    def state_size(self, time: int) -> int:
        """A key and a value of d numbers and a mark for every step."""
        return time * (2 * int(self.settings["d"]) + 1)


def _earlier(
    queries: int, is_step: Bool[Tensor, "batch keys"]
) -> Bool[Tensor, "batch 1 queries keys"]:
    """Which keys a query may read: those of steps up to its own."""
    keys = is_step.shape[1]
    row = torch.arange(keys - queries, keys, device=is_step.device)[:, None]
    column = torch.arange(keys, device=is_step.device)
    return ((column <= row) & is_step[:, None])[:, None]
