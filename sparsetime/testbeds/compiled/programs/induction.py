"""Induction: what followed earlier occurrences of the token, by two heads."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from sparsetime.testbeds.compiled.compiler import POSITION, TOKEN, HeadProgram, LayerProgram
from sparsetime.testbeds.compiled.inert import inert_head, inert_mlp

LETTERS, CONTEXT = 8, 12
TOKENS = LETTERS + 1  # and a mark of the beginning, number 0
VOCABULARY = ("<s>", *"abcdefgh")
CAUSAL = True
OUTPUT = "predicted"


def layers() -> list[LayerProgram]:
    """A head of the previous token, then a head that looks for the own token among those.

    Where no earlier token is equal, the second head attends to the beginning.
    """
    steps = torch.arange(CONTEXT)
    previous = (steps == (steps[:, None] - 1).clamp_min(0)).float()
    same = torch.eye(TOKENS)
    same[0, 0] = 0
    mark = torch.zeros(TOKENS)
    mark[0] = 0.5
    return [
        (
            [
                HeadProgram("previous", TOKEN, {(POSITION, POSITION): previous}),
                inert_head("unread head 0", CONTEXT),
            ],
            inert_mlp("unread mlp 0", TOKENS),
        ),
        (
            [
                inert_head("unread head 1", CONTEXT),
                HeadProgram(OUTPUT, TOKEN, {(TOKEN, "previous"): same}, prefers={TOKEN: mark}),
            ],
            inert_mlp("unread mlp 1", TOKENS),
        ),
    ]


def function(
    tokens: Int[np.ndarray, "batch time"],
) -> Float[np.ndarray, "batch time outputs"]:
    """Share of each token among those that followed earlier occurrences; the mark where none."""
    out = np.zeros((*tokens.shape, TOKENS))
    for row, text in enumerate(tokens):
        for t in range(len(text)):
            followers = [text[s] for s in range(1, t + 1) if text[s - 1] == text[t]] or [0]
            for follower in followers:
                out[row, t, follower] += 1 / len(followers)
    return out


def sample(count: int, random: np.random.Generator) -> Int[np.ndarray, "batch time"]:
    """The mark, then random letters."""
    letters = random.integers(1, TOKENS, (count, CONTEXT - 1))
    return np.concatenate([np.zeros((count, 1), np.int64), letters], axis=1)


def scored(tokens: Int[np.ndarray, "batch time"]) -> Bool[np.ndarray, "batch time"]:
    """All steps."""
    return np.ones(tokens.shape, bool)
