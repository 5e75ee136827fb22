"""NodeEffects: how much each latent, error or head changes a metric, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


@final
@dataclass(frozen=True)
class NodeEffects:
    """Effects of nodes on a metric, largest absolute effect first.

    table: site, kind ("latent", "error", "dimension" or "head"), step (-1 for all), latent (the
    number of a latent, dimension or head, -1 for an error), effect. method: how they were measured.
    metric: on the tokens. against: on the other tokens, NaN where there are none.
    """

    table: pa.Table
    method: str
    metric: float
    against: float

    def top(self, count: int) -> pa.Table:
        """The nodes with the largest absolute effects."""
        return self.table.slice(0, count)

    def over_steps(self) -> pa.Table:
        """Effects summed over the steps, in the same order and with the same columns."""
        sums: dict[tuple[str, str, int], float] = {}
        for row in self.table.to_pylist():
            key = (row["site"], row["kind"], row["latent"])
            sums[key] = sums.get(key, 0.0) + row["effect"]
        keys = list(sums)
        return effect_table(
            [key[0] for key in keys],
            [key[1] for key in keys],
            [-1] * len(keys),
            [key[2] for key in keys],
            list(sums.values()),
        )


def effect_table(
    sites: list[str], kinds: list[str], steps: list[int], latents: list[int], effects: list[float]
) -> pa.Table:
    """The table of `NodeEffects`, sorted by absolute effect."""
    import pyarrow as pa

    order = np.argsort(-np.abs(np.array(effects, dtype=float)), kind="stable")
    table = pa.table(
        {
            "site": pa.array(sites, pa.string()),
            "kind": pa.array(kinds, pa.string()),
            "step": pa.array(steps, pa.int64()),
            "latent": pa.array(latents, pa.int64()),
            "effect": pa.array(effects, pa.float64()),
        }
    )
    return table.take(pa.array(order))
