"""Maze testbed: a small transformer that was trained to write shortest paths through mazes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from sparsetime.models.load import LoadedModel, load_model
from sparsetime.testbeds.trained.mazes import CELLS, CONNECTIONS, PAIRS, Mazes, distances, mazes
from sparsetime.testbeds.trained.trained_model import train_steps, trained_model

#: Tokens behind those of the cells: ends a connection, before the origin, the target and the path,
#: and behind the path.
CLOSE, ORIGIN, TARGET, PATH, END = range(CELLS, CELLS + 5)
PROMPT = 3 * CONNECTIONS + 6  # tokens up to the first cell of the path
SETTINGS = {"d": 48, "layers": 3, "heads": 4, "steps": 1600, "batch": 96}
_TESTED, _NO_TARGET = 400, -100


def maze_model() -> tuple[LoadedModel, dict[str, Any]]:
    """A causal transformer that writes a shortest path, and the record of its training.

    Llama architecture, 3 layers (`model.layers.0` to `model.layers.2`) of width 48, 4 heads; tokens
    0 to 8 are cells. It reads every connection as two cells and CLOSE, then origin and target. The
    first call trains it, in 164 seconds of one core. record["measured"]["shortest"]: the share of
    held-out mazes through which the path that it writes is a shortest one.

    Source: Spies et al. 2024, Transformers Use Causal World Models in Maze-Solving Tasks,
    arXiv:2412.11867, for the task, there on larger grids.
    """
    model, record = trained_model("maze", SETTINGS, _make, _train)
    return load_model(model), record


def maze_prompts(listed: Mazes) -> Int[Tensor, "mazes prompt"]:
    """Mazes as the model reads them: connections, origin, target, and the path's first cell."""
    ends = np.array(PAIRS)[listed.order]
    ends = np.where(listed.turned[:, :, None], ends[:, :, ::-1], ends)
    close = np.full((*listed.order.shape, 1), CLOSE)
    connections = np.concatenate([ends, close], axis=2).reshape(len(ends), -1)
    origin, target, path = (np.full(len(ends), one) for one in (ORIGIN, TARGET, PATH))
    rest = np.stack([origin, listed.origin, target, listed.target, path, listed.origin], axis=1)
    return torch.from_numpy(np.concatenate([connections, rest], axis=1))


def is_shortest(listed: Mazes, written: Int[Tensor, "mazes steps"]) -> np.ndarray:
    """Whether the tokens written behind each prompt are the rest of a shortest path, and END."""
    left = distances(listed.is_open, listed.target)
    rows = np.arange(len(left))
    adjacent = np.zeros((len(left), CELLS, CELLS), dtype=bool)
    for number, (a, b) in enumerate(PAIRS):
        adjacent[:, a, b] = adjacent[:, b, a] = listed.is_open[:, number]
    here, right, ended = listed.origin.copy(), np.ones(len(left), dtype=bool), np.zeros(len(left))
    for token in written.numpy().T:
        ends = (token == END) & (ended == 0)
        right &= ~ends | (here == listed.target)
        ended = np.maximum(ended, ends)
        cell = np.minimum(token, CELLS - 1)
        moves = ended == 0
        fits = (token < CELLS) & adjacent[rows, here, cell]
        fits &= left[rows, cell] == left[rows, here] - 1
        right &= ~moves | fits
        here = np.where(moves & fits, cell, here)
    return right & (ended > 0)


def _make() -> nn.Module:
    from transformers import LlamaConfig, LlamaForCausalLM

    model: nn.Module = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=END + 1,
            hidden_size=SETTINGS["d"],
            intermediate_size=3 * SETTINGS["d"],
            num_hidden_layers=SETTINGS["layers"],
            num_attention_heads=SETTINGS["heads"],
            num_key_value_heads=SETTINGS["heads"],
            max_position_embeddings=PROMPT + CELLS + 1,
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=None,
        )
    )
    return model


def _train(model: nn.Module) -> Mapping[str, float]:
    size = SETTINGS["batch"]
    listed = mazes(size * SETTINGS["steps"])
    prompts, paths = maze_prompts(listed), _rest_of_paths(listed)

    def loss(step: int) -> Tensor:
        rows = slice(step * size, (step + 1) * size)
        return _path_loss(model, prompts[rows], paths[rows])

    last = train_steps(model, loss, SETTINGS["steps"], rate=3e-3)
    held_out = mazes(_TESTED, draw=1)
    written = _written(model.eval(), maze_prompts(held_out))
    return {"loss": last, "shortest": float(is_shortest(held_out, written).mean())}


def _rest_of_paths(listed: Mazes) -> Int[Tensor, "mazes steps"]:
    """What the model has to write behind the prompt: cells, END, and then no target."""
    path = np.concatenate([listed.path[:, 1:], np.full((len(listed.path), 1), -1)], axis=1)
    length = (path >= 0).sum(1)
    path = np.where(path < 0, _NO_TARGET, path)
    path[np.arange(len(path)), length] = END
    return torch.from_numpy(path)


def _path_loss(
    model: nn.Module, prompts: Int[Tensor, "batch prompt"], paths: Int[Tensor, "batch steps"]
) -> Float[Tensor, ""]:
    longest = int((paths != _NO_TARGET).sum(1).max())
    target = paths[:, :longest]
    read = torch.cat([prompts, target[:, :-1].clamp_min(0)], dim=1)
    logits = model(input_ids=read).logits[:, PROMPT - 1 :]
    return functional.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=_NO_TARGET)


@torch.no_grad()
def _written(model: nn.Module, prompts: Int[Tensor, "mazes prompt"]) -> Tensor:
    """The likeliest tokens behind prompts, as many as the longest path has cells."""
    tokens = prompts
    for _ in range(CELLS):
        best = model(input_ids=tokens).logits[:, -1].argmax(1, keepdim=True)
        tokens = torch.cat([tokens, best], dim=1)
    return tokens[:, PROMPT:]
