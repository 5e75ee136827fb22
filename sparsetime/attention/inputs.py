"""Inputs of one call of an attention module: queries, keys, values, and what was kept before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.key_range import KeyRange


@final
@dataclass(frozen=True, eq=False)
class AttentionInputs:
    """Queries, keys and values of one call of an attention module, with the readable keys.

    q: [batch, heads, queries, d]; k: [batch, key heads, keys, d]; v likewise. Query i stands at
    position `keys - queries + i` in self-attention over a cache. layer: the number of the module
    among those of the model. is_causal: False where a query may read later keys. step: calls of the
    module since the sequence began; denoising steps count too. state: what components keep between
    calls on one sequence.
    """

    q: Float[Tensor, "batch heads queries d"]
    k: Float[Tensor, "batch key_heads keys d"]
    v: Float[Tensor, "batch key_heads keys d_value"]
    readable: KeyRange
    scale: float
    layer: int = 0
    is_causal: bool = True
    step: int = 0
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def heads(self) -> int:
        return self.q.shape[1]

    @property
    def group(self) -> int:
        """Number of heads of queries that read one head of keys."""
        return self.q.shape[1] // self.k.shape[1]

    @property
    def queries(self) -> int:
        return self.q.shape[2]

    @property
    def keys(self) -> int:
        return self.k.shape[2]

    @property
    def query_positions(self) -> Int[Tensor, " queries"]:
        """The position of every query among the keys."""
        return torch.arange(self.queries, device=self.q.device) + self.keys - self.queries

    @property
    def is_decoding(self) -> bool:
        """Whether one query is added to a longer context."""
        return self.queries == 1 and self.keys > 1

    def products(
        self, queries: Float[Tensor, "batch heads m r"], keys: Float[Tensor, "batch key_heads n r"]
    ) -> Float[Tensor, "batch heads m n"]:
        """Products `scale q_i · k_j` of queries and keys, or of summaries of them."""
        # Heads that read one head of keys are rows of one product, so that no key is copied.
        shared = queries.unflatten(1, (-1, self.group)).flatten(2, 3)
        joint = self.scale * shared @ keys.mT
        products: Tensor = joint.unflatten(2, (self.group, -1)).flatten(1, 2)
        return products
