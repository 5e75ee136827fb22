"""Rows of a timeline that fire together: an order in which they are neighbours, and groups."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

_COARSE = 192  # columns in which rows are compared
_IN_TREE = 300
_TOGETHER = 0.7  # cosine distance up to which rows are one group
_GRID = 2.0**30  # distances are multiples of one over this

# The columns in which a row is active, and its activations in percent of the peak.
Cells: TypeAlias = tuple[np.ndarray, np.ndarray]


def cluster_rows(
    cells: list[Cells], columns: int
) -> tuple[Int[np.ndarray, " rows"], Int[np.ndarray, " rows"]]:
    """A place for each row such that rows that fire together stand together, and its group.

    Places are the leaves of a tree of rows, joined by the mean cosine of their activations over the
    segment; groups are its branches below _TOGETHER. The tree is of the first rows alone where
    there are many; each other row stands by its likest.
    """
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage

    if len(cells) < 3:
        return np.arange(len(cells)), np.arange(len(cells))
    size = -(-columns // _COARSE)
    seen: Float[np.ndarray, "rows coarse"] = np.zeros((len(cells), -(-columns // size)))
    for at, (column, percent) in enumerate(cells):
        np.add.at(seen[at], column // size, percent)
    seen += 1e-9  # an inactive row has no direction otherwise
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    first = seen[:_IN_TREE]
    # On a grid, so that equal distances are equal here and in the page, however each rounds sums.
    apart = np.floor((1 - first @ first.T) * _GRID + 0.5) / _GRID
    tree = linkage(apart[np.triu_indices(len(first), 1)], "average")
    place_of_first = np.empty(len(first), dtype=np.int64)
    place_of_first[leaves_list(tree)] = np.arange(len(first))
    group_of_first = fcluster(tree, _TOGETHER, "distance")
    nearest = np.argmax(seen @ first.T, axis=1)
    nearest[: len(first)] = np.arange(len(first))
    order = np.argsort(place_of_first[nearest], kind="stable")
    place = np.empty(len(cells), dtype=np.int64)
    place[order] = np.arange(len(cells))
    group = np.empty(len(cells), dtype=np.int64)
    in_order = group_of_first[nearest[order]]
    group[order] = np.cumsum(np.append(0, np.diff(in_order) != 0))
    return place, group
