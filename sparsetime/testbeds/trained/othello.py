"""Othello testbed: a small transformer that was trained on random legal games."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sparsetime.models.load import LoadedModel, load_model
from sparsetime.testbeds.trained.othello_games import MOVES, SQUARES, othello_games
from sparsetime.testbeds.trained.trained_model import train_steps, trained_model

START = SQUARES  # the token before the first move
SETTINGS = {"d": 48, "layers": 2, "heads": 4, "steps": 900, "batch": 48, "games": 20_000}
_TESTED = 400


def othello_model() -> tuple[LoadedModel, dict[str, Any]]:
    """A causal transformer that predicts the next move, and the record of its training.

    Llama architecture, 2 layers (`model.layers.0`, `model.layers.1`) of width 48, 4 heads; tokens
    0 to 35 are squares, 36 stands before the first move. The first call trains it, in 76 seconds of
    one core. record["measured"]["legal"]: the share of held-out positions at which its
    likeliest move is legal; "legal_at_random": that of a random empty square.

    Source: Li et al. 2022, Emergent World Representations, arXiv:2210.13382, for the task, there on
    a board of 8 by 8.
    """
    model, record = trained_model("othello", SETTINGS, _make, _train)
    return load_model(model), record


def othello_tokens(games: np.ndarray) -> Tensor:
    """Games as the model reads them, [games, moves]: the start, then all moves but the last."""
    tokens = torch.from_numpy(games)
    return torch.cat([torch.full((len(tokens), 1), START), tokens[:, :-1]], dim=1)


def _make() -> nn.Module:
    from transformers import LlamaConfig, LlamaForCausalLM

    model: nn.Module = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=SQUARES + 1,
            hidden_size=SETTINGS["d"],
            intermediate_size=3 * SETTINGS["d"],
            num_hidden_layers=SETTINGS["layers"],
            num_attention_heads=SETTINGS["heads"],
            num_key_value_heads=SETTINGS["heads"],
            max_position_embeddings=MOVES + 2,
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=None,
        )
    )
    return model


def _train(model: nn.Module) -> Mapping[str, float]:
    games, _ = othello_games(SETTINGS["games"])
    read, target = othello_tokens(games), torch.from_numpy(games)
    size = SETTINGS["batch"]

    def loss(step: int) -> Tensor:
        rows = torch.arange(step * size, (step + 1) * size) % len(games)
        logits = model(input_ids=read[rows]).logits
        return functional.cross_entropy(logits.flatten(0, 1), target[rows].flatten())

    last = train_steps(model, loss, SETTINGS["steps"], rate=3e-3)
    return {"loss": last, **_legal_shares(model.eval())}


@torch.no_grad()
def _legal_shares(model: nn.Module) -> dict[str, float]:
    games, legal = othello_games(_TESTED, draw=1)
    best = model(input_ids=othello_tokens(games)).logits[..., :SQUARES].argmax(-1).numpy()
    chosen = np.take_along_axis(legal, best[:, :, None], axis=2)
    empty = SQUARES - 4 - np.arange(MOVES)
    return {
        "legal": float(chosen.mean()),
        "legal_at_random": float((legal.sum(2) / empty).mean()),
    }
