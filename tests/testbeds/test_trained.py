"""Trained testbeds: their worlds are right, and a model is trained once for each setting."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from sparsetime.errors import ConfigError
from sparsetime.models.hooks import recording
from sparsetime.testbeds.trained import prompt_tuned as tuning
from sparsetime.testbeds.trained import shape_images
from sparsetime.testbeds.trained.maze_model import CLOSE, END, PROMPT, is_shortest, maze_prompts
from sparsetime.testbeds.trained.mazes import CELLS, CONNECTIONS, PAIRS, distances, mazes
from sparsetime.testbeds.trained.othello_games import MOVES, SIZE, othello_games
from sparsetime.testbeds.trained.shape_images import CLASSES, ShapeImages
from sparsetime.testbeds.trained.trained_model import train_steps, trained_model


def legal_by_hand(board, player):
    """Return the squares where a stone would turn others, square by square."""
    found = set()
    for row in range(SIZE):
        for column in range(SIZE):
            if board[row][column]:
                continue
            for a, b in [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]:
                line, r, c = [], row + a, column + b
                while 0 <= r < SIZE and 0 <= c < SIZE and board[r][c] == -player:
                    line.append((r, c))
                    r, c = r + a, c + b
                if line and 0 <= r < SIZE and 0 <= c < SIZE and board[r][c] == player:
                    found.add((row * SIZE + column, tuple(line)))
    return found


def test_games_are_legal():
    games, legal = othello_games(6)
    assert games.shape == (6, MOVES)
    for moves, allowed in zip(games.tolist(), legal, strict=True):
        board = [[0] * SIZE for _ in range(SIZE)]
        board[2][3] = board[3][2] = 1
        board[2][2] = board[3][3] = -1
        player = 1
        for move, squares in zip(moves, allowed, strict=True):
            turns = legal_by_hand(board, player)
            if not turns:
                player = -player
                turns = legal_by_hand(board, player)
            assert set(np.flatnonzero(squares)) == {square for square, _ in turns}
            for square, line in turns:
                for r, c in line if square == move else ():
                    board[r][c] = player
            board[move // SIZE][move % SIZE] = player
            player = -player


def test_patches_show_the_shape_of_an_image():
    data = ShapeImages(6)
    assert data.images.shape == (24, 3, 32, 32)
    assert int(data.classes.max()) < len(CLASSES)
    area = data.covered.sum(1) * 16  # pixels
    assert float(area.min()) > 20 and float(area.max()) < 120


def test_mazes_are_connected_and_paths_are_shortest():
    drawn = mazes(30)
    assert (drawn.is_open.sum(1) == CONNECTIONS).all()
    assert (distances(drawn.is_open, drawn.origin) < CELLS).all()
    lengths = distances(drawn.is_open, drawn.target)[np.arange(30), drawn.origin]
    for number, (path, length) in enumerate(zip(drawn.path, lengths, strict=True)):
        cells = path[path >= 0]
        assert len(cells) == length + 1 and cells[-1] == drawn.target[number]
        steps = {tuple(sorted(pair)) for pair in pairwise(cells.tolist())}
        assert steps <= {PAIRS[pair] for pair in drawn.order[number]}


def test_a_maze_is_read_as_its_connections_and_ends():
    drawn = mazes(4)
    prompt = maze_prompts(drawn)
    assert prompt.shape == (4, PROMPT)
    assert (prompt[:, 2 : 3 * CONNECTIONS : 3] == CLOSE).all()
    for row, order in zip(prompt.tolist(), drawn.order, strict=True):
        read = {tuple(sorted(row[3 * i : 3 * i + 2])) for i in range(CONNECTIONS)}
        assert read == {PAIRS[pair] for pair in order}
    assert (prompt[:, -1].numpy() == drawn.origin).all()


def test_only_a_shortest_path_with_its_end_counts():
    drawn = mazes(30)
    rest = np.concatenate([drawn.path[:, 1:], np.full((30, 1), -1)], axis=1)
    written = torch.from_numpy(np.where(rest < 0, END, rest))
    assert is_shortest(drawn, written).all()
    stopped = torch.cat([torch.full((30, 1), END), written], dim=1)
    assert not is_shortest(drawn, stopped).any()
    without_end = torch.where(written == END, torch.tensor(0), written)
    assert not is_shortest(drawn, without_end).any()


def test_a_model_is_trained_once_for_each_setting(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls = []
    x = torch.linspace(-1, 1, 16)[:, None]

    def train(model):
        calls.append(1)
        return {"loss": train_steps(model, lambda _: (model(x) - 3 * x).square().mean(), 60, 0.2)}

    def made(steps):
        return trained_model("tiny", {"steps": steps}, lambda: nn.Linear(1, 1), train)

    first, record = made(1)
    again, _ = made(1)
    assert calls == [1]
    assert torch.equal(first.weight, again.weight)
    assert first.weight.item() == pytest.approx(3, abs=0.2)
    assert record["measured"]["loss"] < 0.1
    made(2)
    assert calls == [1, 1]


def test_prompt_tuning_changes_prompts_and_class_vectors_alone(monkeypatch):
    monkeypatch.setattr(tuning, "_STEPS", 2)
    monkeypatch.setattr(tuning, "_BATCH", 4)
    model = shape_images._make().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    data = ShapeImages(2)
    images = tuning.under_cold_light(data.images)
    assert torch.equal(images[:, 2], data.images[:, 2])
    adapted = tuning.prompt_tuned(model, images, data.classes)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    after = {
        n.replace("embeddings.embeddings", "embeddings"): v for n, v in adapted.state_dict().items()
    }
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert changed == {"classifier.weight", "classifier.bias"}
    assert after.keys() - before.keys() == {"vit.embeddings.prompts"}
    with torch.no_grad(), recording(adapted, "vit.layernorm") as found:
        adapted(pixel_values=images)
    assert found["vit.layernorm"].shape[1] == 1 + tuning.PROMPTS + shape_images.PATCHES


def test_none_is_refused():
    with pytest.raises(ConfigError, match="got count=0, expected at least 1 game"):
        othello_games(0)
    with pytest.raises(ConfigError, match="got count=0, expected at least 1 maze"):
        mazes(0)
