"""Products of pooled queries and keys as scores."""

from __future__ import annotations

from typing import Literal, final

from jaxtyping import Float
from torch import Tensor

from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.scorers.scorer import Scorer
from sparsetime.components import component


@final
@component("pooled")
class Pooled(Scorer):
    """Product of the mean query of a tile and the mean key of a unit.

        s(I, J) = scale mean_{i in I}(q_i) · mean_{j in J}(k_j)
        s(I, J) = scale mean_{i in I}(q_i) · sum_{j in J}(k_j) / sqrt(|J|)     (normalise="root")

    The second form does not favour short units, whose means are longer.

    Source: Lu et al. 2025, MoBA: mixture of block attention for long-context LLMs, equation 6; for
    the second form Xiong et al. 2025, Dynamic hierarchical sparse attention.
    """

    def __init__(self, normalise: Literal["mean", "root"] = "mean") -> None:
        super().__init__(normalise=normalise)
        self.normalise = normalise

    def score(
        self, inputs: AttentionInputs, grid: UnitGrid
    ) -> Float[Tensor, "b heads query_units key_units"]:
        keys = grid.over_keys(inputs.k.float(), "mean")
        if self.normalise == "root":
            keys = keys * grid.key_sizes.sqrt()[:, None]
        queries = grid.over_queries(inputs.q.float(), "mean")
        return inputs.products(queries, keys)
