"""Influence by lag: how far back in time what acts on the targets of a graph lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


def influence_by_lag(nodes: pa.Table, edges: pa.Table) -> pa.Table:
    """Share of the influence along edges by lag, site that writes and kind of the source.

        share(l, s) = sum of influence of edges from s whose steps differ by l / sum of all

    The bias has no step and is left out. Columns: lag, site, kind, share, in the order of lags.
    """
    import pyarrow as pa

    lags = edges["lag"].to_numpy(zero_copy_only=False)
    counted = ~np.isnan(lags.astype(float))
    sources = edges["source"].to_numpy()[counted]
    passed = edges["influence"].to_numpy()[counted].astype(float)
    sites, kinds = nodes["site"].to_pylist(), nodes["kind"].to_pylist()
    sums: dict[tuple[int, str, str], float] = {}
    for lag, source, size in zip(lags[counted].astype(int), sources, passed, strict=True):
        key = (int(lag), sites[source], kinds[source])
        sums[key] = sums.get(key, 0.0) + size
    total = sum(sums.values()) or 1.0
    order = {site: number for number, site in enumerate(dict.fromkeys(sites))}
    keys = sorted(sums, key=lambda key: (key[0], order[key[1]], key[2]))
    return pa.table(
        {
            "lag": pa.array([key[0] for key in keys], pa.int64()),
            "site": pa.array([key[1] for key in keys], pa.string()),
            "kind": pa.array([key[2] for key in keys], pa.string()),
            "share": pa.array([sums[key] / total for key in keys], pa.float64()),
        }
    )
