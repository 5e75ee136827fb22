"""Maze testbed: a small transformer that was trained to find paths in mazes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn import functional

from sparsetime.models.load import LoadedModel, load_model
from sparsetime.testbeds.trained.mazes import CELLS, END, LENGTH, PROMPT, TOKENS, Maze, mazes
from sparsetime.testbeds.trained.trained_model import train_steps, trained_model

SETTINGS = {"d": 64, "layers": 4, "heads": 4, "steps": 3000, "batch": 64, "mazes": 60_000}
_TESTED = 300


def maze_model() -> tuple[LoadedModel, dict[str, Any]]:
    """A causal transformer that continues a maze by a path, and the record of its training.

    Llama architecture, 4 layers (`model.layers.0` to `model.layers.3`) of width 64, 4 heads. The
    first call trains it, in some minutes on one core. record["measured"]: "paths" is the share of
    held-out mazes whose path it continues without a fault, "steps" that of single steps.

    Source: Spies et al. 2024, Transformers Use Causal World Models in Maze-Solving Tasks,
    arXiv:2412.11867, for the task, there on larger grids.
    """
    model, record = trained_model("maze", SETTINGS, _make, _train)
    return load_model(model), record


@torch.no_grad()
def continued_paths(model: nn.Module, tokens: Int[Tensor, "mazes prompt"]) -> list[tuple[int, ...]]:
    """The paths that the model continues, the likeliest cell at every step, up to the end token."""
    for _ in range(CELLS):
        best = model(input_ids=tokens).logits[:, -1].argmax(1)
        tokens = torch.cat([tokens, best[:, None]], dim=1)
    return [
        tuple(row[: row.index(END)] if END in row else row)
        for row in tokens[:, PROMPT - 1 :].tolist()
    ]


def maze_tokens(listed: list[Maze]) -> Int[Tensor, "mazes length"]:
    """The tokens of mazes with their paths."""
    return torch.from_numpy(np.stack([one.tokens for one in listed]))


def _make() -> nn.Module:
    from transformers import LlamaConfig, LlamaForCausalLM

    model: nn.Module = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=TOKENS,
            hidden_size=SETTINGS["d"],
            intermediate_size=3 * SETTINGS["d"],
            num_hidden_layers=SETTINGS["layers"],
            num_attention_heads=SETTINGS["heads"],
            num_key_value_heads=SETTINGS["heads"],
            max_position_embeddings=LENGTH + CELLS,
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=None,
        )
    )
    return model


def _train(model: nn.Module) -> Mapping[str, float]:
    tokens = maze_tokens(mazes(SETTINGS["mazes"]))
    size = SETTINGS["batch"]

    def loss(step: int) -> Tensor:
        rows = torch.arange(step * size, (step + 1) * size) % len(tokens)
        read, target = tokens[rows, :-1], tokens[rows, 1:].clone()
        target[:, : PROMPT - 1] = -100  # the maze itself is not predicted
        target[:, PROMPT:][read[:, PROMPT:] == END] = -100
        logits = model(input_ids=read).logits
        return functional.cross_entropy(logits.flatten(0, 1), target.flatten())

    last = train_steps(model, loss, SETTINGS["steps"], rate=2e-3)
    held_out = mazes(_TESTED, draw=1)
    found = continued_paths(model.eval(), maze_tokens(held_out)[:, :PROMPT])
    right = [own == maze.path for own, maze in zip(found, held_out, strict=True)]
    return {"loss": last, "paths": float(np.mean(right))}
