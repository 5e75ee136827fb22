"""Mazes on a square grid, each with a shortest path between two of its cells, many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Int

from sparsetime import seeds
from sparsetime.errors import ConfigError

SIDE = 3  # cells of a side
CELLS = SIDE * SIDE
#: Pairs of neighbouring cells, the smaller number first: what a connection can be between.
PAIRS = tuple(
    (cell, other)
    for cell in range(CELLS)
    for other in (cell + 1, cell + SIDE)
    if other < CELLS and (other != cell + 1 or other % SIDE)
)
EXTRA = 1  # connections beyond those of a tree
CONNECTIONS = CELLS - 1 + EXTRA


@final
@dataclass(frozen=True, eq=False)
class Mazes:
    """Grids of 3 by 3 cells with 9 of 12 possible connections, so that each cell can be reached.

    order: numbers in `PAIRS` of the connections, in a random order. turned: whether each names its
    larger cell first. origin, target: two cells. path: the cells of a shortest path between them,
    both included, then -1.
    """

    order: Int[np.ndarray, "mazes connections"]
    turned: Bool[np.ndarray, "mazes connections"]
    origin: Int[np.ndarray, " mazes"]
    target: Int[np.ndarray, " mazes"]
    path: Int[np.ndarray, "mazes cells"]

    @property
    def is_open(self) -> Bool[np.ndarray, "mazes pairs"]:
        """Which pairs of neighbours are connected."""
        found = np.zeros((len(self.order), len(PAIRS)), dtype=bool)
        np.put_along_axis(found, self.order, True, axis=1)
        return found


def mazes(count: int, seed: int = 0, draw: int = 0) -> Mazes:
    """Random spanning trees of the grid with one more connection, and shortest paths in them.

    A cell has the number row * 3 + column. Of several shortest paths one is drawn.

    Errors: ConfigError for no mazes.
    """
    if count < 1:
        raise ConfigError(f"got count={count}, expected at least 1 maze")
    rng = seeds.numpy_generator(seed, "mazes", draw)
    opened = _connected(count, rng)
    noise = rng.random(opened.shape)
    order = np.argsort(np.where(opened, noise, 2.0), axis=1)[:, :CONNECTIONS]
    turned = rng.random(order.shape) < 0.5
    ends = np.argsort(rng.random((count, CELLS)), axis=1)[:, :2]
    path = shortest_paths(opened, ends[:, 0], ends[:, 1], rng)
    return Mazes(order, turned, ends[:, 0], ends[:, 1], path)


def distances(
    opened: Bool[np.ndarray, "mazes pairs"], cell: Int[np.ndarray, " mazes"]
) -> Int[np.ndarray, "mazes cells"]:
    """Steps from every cell to a given one; the number of cells where there is no way."""
    found = np.full((len(opened), CELLS), CELLS)
    np.put_along_axis(found, cell[:, None], 0, axis=1)
    for _ in range(CELLS):
        before = found.copy()
        for number, (a, b) in enumerate(PAIRS):
            step = np.where(opened[:, number], 1, CELLS)
            found[:, a] = np.minimum(found[:, a], found[:, b] + step)
            found[:, b] = np.minimum(found[:, b], found[:, a] + step)
        if (before == found).all():
            break
    return np.asarray(np.minimum(found, CELLS))


def shortest_paths(
    opened: Bool[np.ndarray, "mazes pairs"],
    origin: Int[np.ndarray, " mazes"],
    target: Int[np.ndarray, " mazes"],
    rng: np.random.Generator,
) -> Int[np.ndarray, "mazes cells"]:
    """A shortest path, both ends included, then -1; of several one is drawn."""
    left = distances(opened, target)
    path = np.full((len(opened), CELLS), -1)
    path[:, 0] = here = origin
    rows = np.arange(len(opened))
    for step in range(1, CELLS):
        near = left[rows, here]
        moves = np.zeros((len(opened), CELLS), dtype=bool)
        for number, (a, b) in enumerate(PAIRS):
            for start, end in ((a, b), (b, a)):
                moves[:, end] |= opened[:, number] & (here == start) & (left[:, end] == near - 1)
        going = moves.any(1)
        if not going.any():
            break
        drawn = np.where(moves, rng.random(moves.shape), -1.0).argmax(1)
        here = np.where(going, drawn, here)
        path[going, step] = here[going]
    return path


def _connected(count: int, rng: np.random.Generator) -> Bool[np.ndarray, "mazes pairs"]:
    """Kruskal's trees of random weights, and the first connections besides."""
    order = np.argsort(rng.random((count, len(PAIRS))), axis=1)
    ends = np.array(PAIRS)
    rows = np.arange(count)
    opened = np.zeros((count, len(PAIRS)), dtype=bool)
    lacking = np.full(count, EXTRA)
    component = np.tile(np.arange(CELLS), (count, 1))
    for place in range(len(PAIRS)):
        pair = order[:, place]
        a, b = (component[rows, ends[pair, side]] for side in (0, 1))
        joins = a != b
        component = np.where((component == b[:, None]) & joins[:, None], a[:, None], component)
        takes = joins | (lacking > 0)
        lacking = lacking - (takes & ~joins)
        opened[rows[takes], pair[takes]] = True
    return opened
