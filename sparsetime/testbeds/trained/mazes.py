"""Mazes on a small grid: random spanning trees, their paths, and both as tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Int

from sparsetime import seeds
from sparsetime.errors import ConfigError

SIDE = 4
CELLS = SIDE * SIDE
GOAL, START, END = CELLS, CELLS + 1, CELLS + 2  # the tokens before a goal, before a path, behind it
TOKENS = CELLS + 3
CONNECTIONS = tuple(
    (cell, cell + step)
    for cell in range(CELLS)
    for step in (1, SIDE)
    if (step == 1 and cell % SIDE < SIDE - 1) or (step == SIDE and cell + SIDE < CELLS)
)
LISTED = 2 * (CELLS - 1)  # tokens of the connections of one maze
PROMPT = LISTED + 4  # with the goal, and the cell where the path begins
LENGTH = PROMPT + CELLS  # with the longest path and its end


@final
@dataclass(frozen=True, eq=False)
class Maze:
    """A maze as a model reads it.

    connections: numbers in `CONNECTIONS`, in the order in which they are listed. path: cells from
    the start to the goal. tokens: the cells of each connection, the goal, then the path and its
    end, which fills up to `LENGTH`.
    """

    connections: tuple[int, ...]
    path: tuple[int, ...]
    tokens: Int[np.ndarray, " length"]


def mazes(count: int, seed: int = 0, draw: int = 0) -> list[Maze]:
    """Random spanning trees of a grid of 4 by 4, each with a random start and goal.

    Errors: ConfigError for no mazes.
    """
    if count < 1:
        raise ConfigError(f"got count={count}, expected at least 1 maze")
    rng = seeds.numpy_generator(seed, "mazes", draw)
    return [_maze(rng) for _ in range(count)]


def path_between(connections: set[int], start: int, goal: int) -> tuple[int, ...]:
    """The shortest path, empty where there is none."""
    before = {start: start}
    waiting = [start]
    while waiting and goal not in before:
        following = []
        for cell in waiting:
            for other, number in _NEIGHBOURS[cell]:
                if number in connections and other not in before:
                    before[other] = cell
                    following.append(other)
        waiting = following
    if goal not in before:
        return ()
    path = [goal]
    while path[-1] != start:
        path.append(before[path[-1]])
    return tuple(reversed(path))


def _maze(rng: np.random.Generator) -> Maze:
    """Depth-first search with random turns."""
    order = rng.random(4 * CELLS)
    stack, seen, chosen, used = [int(order[0] * CELLS)], set[int](), [], 0
    seen.add(stack[0])
    while stack:
        free = [(other, n) for other, n in _NEIGHBOURS[stack[-1]] if other not in seen]
        if not free:
            stack.pop()
            continue
        used += 1
        other, number = free[int(order[used] * len(free))]
        seen.add(other)
        chosen.append(number)
        stack.append(other)
    listed = [chosen[i] for i in rng.permutation(len(chosen))]
    start, goal = (int(one) for one in rng.choice(CELLS, 2, replace=False))
    path = path_between(set(listed), start, goal)
    ends = [
        cell
        for number, flip in zip(listed, rng.random(len(listed)) < 0.5, strict=True)
        for cell in (CONNECTIONS[number][::-1] if flip else CONNECTIONS[number])
    ]
    tokens = [*ends, GOAL, goal, START, *path]
    tokens += [END] * (LENGTH - len(tokens))
    return Maze(tuple(listed), path, np.array(tokens, dtype=np.int64))


_NEIGHBOURS: list[list[tuple[int, int]]] = [
    [(b if cell == a else a, number) for number, (a, b) in enumerate(CONNECTIONS) if cell in (a, b)]
    for cell in range(CELLS)
]
