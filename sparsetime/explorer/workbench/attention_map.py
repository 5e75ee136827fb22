"""Map of a head's pattern: attention mass by query and key at any zoom, and what policies read."""

from __future__ import annotations

import numpy as np

from sparsetime.attention.kept.kept_attention import KeptHead
from sparsetime.attention.kept.runs import pairs_in_cells, runs_between
from sparsetime.errors import DataError
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.kept_attention import packed

CELLS, MOST_CELLS = 256, 512


class AttentionMap(FrozenRecord):
    """Cells of queries by keys, row after row; each field is base64 of a byte a cell.

    Row i holds the queries `query_edges[i]` to `query_edges[i + 1]`, columns likewise. kept, second
    and missed: mean mass of a query on the keys of the cell that the first policy reads, that the
    second alone reads, and that none reads; both: that both read. From 0 to `most`, by the square
    root. wasted, second_wasted: share of the cell's pairs that a policy reads, and that are not
    among the strongest. Fields of a policy that is not shown are empty.
    """

    query_edges: list[int]
    key_edges: list[int]
    most: float
    both: Text
    kept: Text
    second: Text
    missed: Text
    wasted: Text
    second_wasted: Text


def attention_map(
    head: KeptHead,
    queries: tuple[int, int],
    keys: tuple[int, int],
    first: int | None = None,
    second: int | None = None,
    cells: int = CELLS,
) -> AttentionMap:
    """The map of the queries and keys of two half-open ranges, at most `cells` squared.

    first, second: numbers of policies that are laid over the head's attention.

    Errors: DataError for a range that holds no step, and for a policy that there is none.
    """
    length = len(head.keys)
    for given in (first, second):
        if given is not None and given >= len(head.runs):
            raise DataError(f"got policy {given}, expected one of {len(head.runs)}, from 0 on")
    query_edges, key_edges = _edges(queries, length, cells), _edges(keys, length, cells)
    shape = (len(query_edges) - 1, len(key_edges) - 1)
    size = shape[0] * shape[1]
    q0, q1, k0, k1 = (int(edges[end]) for edges in (query_edges, key_edges) for end in (0, -1))
    key = head.keys[q0:q1]
    # Cells have equal sizes but the last ones, so a division finds them.
    row = np.arange(q1 - q0, dtype=np.int32) // (int(query_edges[1]) - q0) * shape[1]
    cell = row[:, None] + (key - k0) // (int(key_edges[1]) - k0)
    which = np.zeros(key.shape, np.int32)  # bit 0: the first policy reads it; bit 1: the second
    if first is not None:
        which += head.read[first][q0:q1]
    if second is not None:
        which += 2 * head.read[second][q0:q1]
    weights = head.weights[q0:q1]
    if k0 == 0 and k1 == length:
        weights = np.where(key >= 0, weights, 0)
        place = np.where(key >= 0, which * size + cell, 0)
    else:
        inside = (key >= k0) & (key < k1)
        weights, place = weights[inside], (which * size + cell)[inside]
    sizes = np.diff(query_edges)[:, None]
    counted = np.bincount(place.reshape(-1), weights.reshape(-1), 4 * size)
    by_reader = counted.reshape(4, *shape) / sizes
    parts = dict(zip(("missed", "kept", "second", "both"), by_reader, strict=True))
    total = by_reader.sum(0)
    some = total[total > 0]
    most = float(np.quantile(some, 0.99)) if len(some) else 1.0

    strong = np.bincount(place[weights > 0], minlength=4 * size).reshape(4, *shape)

    def wasted(policy: int | None, bit: int) -> str:
        if policy is None:
            return ""
        runs = runs_between(head.runs[policy], (q0, q1), (k0, k1))
        own = strong[bit] + strong[3]
        pairs = pairs_in_cells(runs, query_edges, key_edges) - own
        return packed(pairs / (sizes * np.diff(key_edges)))

    shown = {
        "both": None not in (first, second),
        "kept": first is not None,
        "second": second is not None,
        "missed": True,
    }
    levels = {n: packed(p / most, root=True) if shown[n] else "" for n, p in parts.items()}
    return AttentionMap(
        query_edges=query_edges.tolist(),
        key_edges=key_edges.tolist(),
        most=most,
        wasted=wasted(first, 1),
        second_wasted=wasted(second, 2),
        **levels,
    )


def _edges(steps: tuple[int, int], length: int, cells: int) -> np.ndarray:
    """Edges of at most `cells` cells of whole steps over a range inside the sequence."""
    begin, end = max(0, steps[0]), min(length, steps[1])
    if begin >= end:
        raise DataError(
            f"got the steps {steps[0]} to {steps[1]} of {length}, expected at least one"
        )
    stride = -(-(end - begin) // cells)
    return np.append(np.arange(begin, end, stride), end)
