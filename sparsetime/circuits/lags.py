"""Influence by lag: how far back in time what acts on the targets of a graph lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def influence_by_lag(nodes: pa.Table, edges: pa.Table) -> pa.Table:
    """Share of the influence along edges by lag, site that writes and kind of the source.

        share(l, s) = sum of influence of edges from s whose steps differ by l / sum of all

    The bias has no step and is left out. Columns: lag, site, kind, share, in the order of lags.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    edges = edges.filter(pc.is_valid(edges["lag"]))
    sites, sources = nodes["site"], edges["source"]
    places = pc.index_in(sites, value_set=sites.unique())  # in the order of the nodes
    by_edge = pa.table(
        {
            "lag": edges["lag"],
            "place": places.take(sources),
            "site": sites.take(sources),
            "kind": nodes["kind"].take(sources),
            "share": edges["influence"].cast(pa.float64()),
        }
    )
    keys = ["lag", "place", "site", "kind"]
    sums = by_edge.group_by(keys, use_threads=False).aggregate([("share", "sum")])
    sums = sums.sort_by([(key, "ascending") for key in ("lag", "place", "kind")])
    total = pc.sum(sums["share_sum"]).as_py() or 1.0
    shares = pc.divide(sums["share_sum"], total)
    return pa.table({**{key: sums[key] for key in ("lag", "site", "kind")}, "share": shares})
