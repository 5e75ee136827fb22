"""Base class of scorers that learn a projection of every head of keys from recorded calls."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.scorers.scorer import Scorer
from sparsetime.attention.unit_cache import cached_keys
from sparsetime.errors import ConfigError


class FittedScorer(Scorer):
    """Scores by products of projected queries and keys, of a projection [layer, key head, d, r].

        s(i, j) = scale (W' q_i) · (W' k_j)

    A unit has the largest score of its keys, a tile the largest of its queries. Projected keys are
    kept while a sequence grows.
    """

    needs_fit = True

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.register_buffer("projection", torch.zeros(0))

    @property
    def is_fitted(self) -> bool:
        return self.projection.numel() > 0

    def fit(self, calls: Sequence[AttentionInputs]) -> None:
        by_layer: dict[int, list[AttentionInputs]] = defaultdict(list)
        for call in calls:
            by_layer[call.layer].append(call)
        layers = [self.projection_of(by_layer[layer]) for layer in sorted(by_layer)]
        self.projection = torch.stack(layers)

    @abstractmethod
    def projection_of(self, calls: Sequence[AttentionInputs]) -> Float[Tensor, "key_heads d r"]:
        """The projection of every head of keys of one module, from its calls."""

    def score(
        self, inputs: AttentionInputs, grid: UnitGrid
    ) -> Float[Tensor, "b heads query_units key_units"]:
        if inputs.layer >= self.projection.shape[0]:
            raise ConfigError(
                f"got module {inputs.layer} of a model, and {self.kind!r} was fitted to "
                f"{self.projection.shape[0]}; fit the policy to this model"
            )
        projection = self.projection[inputs.layer]
        keys = cached_keys("projected keys", inputs, lambda k: k @ projection)
        queries = inputs.q.float() @ projection.repeat_interleave(inputs.group, 0)
        over_tiles = grid.over_queries(inputs.products(queries, keys), "max")
        return grid.over_keys(over_tiles.mT, "max").mT

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *others: Any) -> None:
        # The number of modules and heads is known once the scorer is fitted.
        kept = state_dict.get(f"{prefix}projection")
        if kept is not None:
            self.projection = torch.empty_like(kept)
        super()._load_from_state_dict(state_dict, prefix, *others)
