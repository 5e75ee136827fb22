"""Rectangles of consecutive queries that read consecutive keys: counted, and looked up."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

#: First query, the query after the last, first key, the key after the last.
Runs = Int[np.ndarray, "runs 4"]


def pairs_in_cells(
    runs: Runs, query_edges: Int[np.ndarray, " m"], key_edges: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "m1 n1"]:
    """Number of pairs of rectangles in every cell of a grid, exactly.

    The number below edges (y, x) is the sum of (y - q)+ (x - k)+ over the corners (q, k) of all
    rectangles, with the sign of the corner; cells are second differences of it.
    """
    size = (len(query_edges) + 1, len(key_edges) + 1)
    total = np.zeros((4, *size))
    for query, key, sign in ((0, 2, 1), (0, 3, -1), (1, 2, -1), (1, 3, 1)):
        q, k = runs[:, query].astype(np.float64), runs[:, key].astype(np.float64)
        # The edges from this one on have the corner below them; the last place is past all edges.
        row, column = np.searchsorted(query_edges, q), np.searchsorted(key_edges, k)
        place = row * size[1] + column
        for term, weight in zip(total, (None, q, k, q * k), strict=True):
            counted = np.bincount(place, weight, size[0] * size[1])
            term += sign * counted.reshape(size)
    ones, of_query, of_key, of_both = total.cumsum(1).cumsum(2)[:, :-1, :-1]
    y, x = query_edges[:, None].astype(np.float64), key_edges[None].astype(np.float64)
    below = y * x * ones - x * of_query - y * of_key + of_both
    cells: np.ndarray = np.diff(np.diff(below, axis=0), axis=1)
    return cells


def is_read(
    runs: Runs, queries: Int[np.ndarray, " pairs"], keys: Int[np.ndarray, " pairs"]
) -> Bool[np.ndarray, " pairs"]:
    """Whether rectangles of one pattern hold each pair of a query and a key."""
    found = np.zeros(len(queries), bool)
    is_single = runs[:, 1] - runs[:, 0] == 1
    # Units do not overlap, so the rectangles of a query all begin at one first query.
    for some in (runs[is_single], runs[~is_single]):
        if not len(some):
            continue
        stride = int(max(some[:, 3].max(), keys.max(initial=0))) + 1
        starts = np.unique(some[:, 0])
        start = starts[np.maximum(np.searchsorted(starts, queries, "right") - 1, 0)]
        begins = some[:, 0] * stride + some[:, 2]
        at = np.maximum(np.searchsorted(begins, start * stride + keys, "right") - 1, 0)
        run = some[at]
        found |= (
            (run[:, 0] <= queries)
            & (queries < run[:, 1])
            & (run[:, 2] <= keys)
            & (keys < run[:, 3])
        )
    return found


def runs_between(
    runs: Runs, queries: tuple[int, int], keys: tuple[int, int]
) -> Int[np.ndarray, "some 4"]:
    """The rectangles that hold a pair of queries and keys of these half-open ranges."""
    return runs[
        (runs[:, 0] < queries[1])
        & (runs[:, 1] > queries[0])
        & (runs[:, 2] < keys[1])
        & (runs[:, 3] > keys[0])
    ]
