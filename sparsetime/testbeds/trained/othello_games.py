"""Random legal games of Othello on a small board, many at once."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int

from sparsetime import seeds
from sparsetime.errors import ConfigError

SIZE, MOVES = 6, 26  # squares of a side; moves of a game that are kept
SQUARES = SIZE * SIZE
_DIRECTIONS = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]


def othello_games(
    count: int, seed: int = 0, draw: int = 0
) -> tuple[Int[np.ndarray, "games moves"], Bool[np.ndarray, "games moves squares"]]:
    """Games of random legal moves, and which squares are legal before each move.

    A square has the number row * 6 + column. Black begins; who cannot move passes, which is no
    token. Games that end before the last move are left out, so that a few more are played.

    Errors: ConfigError for no games.
    """
    if count < 1:
        raise ConfigError(f"got count={count}, expected at least 1 game")
    rng = seeds.numpy_generator(seed, "games of Othello", draw)
    games: list[np.ndarray] = []
    legal: list[np.ndarray] = []
    while sum(map(len, games)) < count:
        played, allowed, whole = _play(count + count // 4 + 8, rng)
        games.append(played[whole])
        legal.append(allowed[whole])
    return np.concatenate(games)[:count], np.concatenate(legal)[:count]


def _play(
    count: int, rng: np.random.Generator
) -> tuple[
    Int[np.ndarray, "games moves"], Bool[np.ndarray, "games moves squares"], Bool[np.ndarray, g]
]:
    """Moves, legal squares before each, and whether a game had all moves."""
    board = np.zeros((count, SIZE, SIZE), dtype=np.int8)
    middle = SIZE // 2
    board[:, middle - 1, middle] = board[:, middle, middle - 1] = 1
    board[:, middle - 1, middle - 1] = board[:, middle, middle] = -1
    player = np.ones(count, dtype=np.int8)
    moves = np.zeros((count, MOVES), dtype=np.int64)
    allowed = np.zeros((count, MOVES, SQUARES), dtype=bool)
    whole = np.ones(count, dtype=bool)
    for move in range(MOVES):
        legal = _legal(board, player)
        passes = ~legal.any(1)
        if passes.any():
            player = np.where(passes, -player, player).astype(np.int8)
            legal = _legal(board, player)
        whole &= legal.any(1)
        noise = rng.random((count, SQUARES))
        chosen = np.where(legal, noise, -1.0).argmax(1)
        moves[:, move], allowed[:, move] = chosen, legal
        board = _placed(board, player, chosen)
        player = -player
    return moves, allowed, whole


def _shifted(board: np.ndarray, step: tuple[int, int], times: int) -> np.ndarray:
    """What stands some steps away in a direction, 0 beyond the board."""
    rows, columns = step[0] * times, step[1] * times
    padded = np.pad(board, ((0, 0), (SIZE, SIZE), (SIZE, SIZE)))
    return padded[:, SIZE + rows : 2 * SIZE + rows, SIZE + columns : 2 * SIZE + columns]


def _flanked(board: np.ndarray, player: np.ndarray, step: tuple[int, int]) -> np.ndarray:
    """Stones of the other player in a row in a direction that end at one's own, [games, 6, 6]."""
    own, other = player[:, None, None], -player[:, None, None]
    run = np.ones(board.shape, dtype=bool)
    length = np.zeros(board.shape, dtype=np.int8)
    for times in range(1, SIZE):
        seen = _shifted(board, step, times)
        length = np.where(run & (seen == own), times - 1, length).astype(np.int8)
        run &= seen == other
    return length


def _legal(board: np.ndarray, player: np.ndarray) -> Bool[np.ndarray, "games squares"]:
    turned = sum(_flanked(board, player, step) for step in _DIRECTIONS)
    found: np.ndarray = ((board == 0) & (turned > 0)).reshape(len(board), SQUARES)
    return found


def _placed(board: np.ndarray, player: np.ndarray, square: np.ndarray) -> np.ndarray:
    games = np.arange(len(board))
    row, column = square // SIZE, square % SIZE
    after = board.copy()
    after[games, row, column] = player
    for step in _DIRECTIONS:
        length = _flanked(board, player, step)[games, row, column]
        for times in range(1, SIZE):
            turned = np.flatnonzero(length >= times)
            after[turned, row[turned] + step[0] * times, column[turned] + step[1] * times] = player[
                turned
            ]
    return after
