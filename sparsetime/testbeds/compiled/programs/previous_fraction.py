"""Fraction of earlier tokens that are x: an MLP, then a head that attends to all steps alike."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from sparsetime.testbeds.compiled.compiler import TOKEN, HeadProgram, LayerProgram, MlpProgram
from sparsetime.testbeds.compiled.inert import inert_head, inert_mlp

CONTEXT = 12
VOCABULARY = ("x", "a", "b", "c")
TOKENS = len(VOCABULARY)
CAUSAL = True
OUTPUT = "fraction"


def layers() -> list[LayerProgram]:
    """An MLP that computes whether the token is x, and a head that averages it."""
    is_x = torch.tensor([[1.0], [0.0], [0.0], [0.0]])
    return [
        (
            [inert_head("unread head 0", CONTEXT)],
            MlpProgram("is x", {TOKEN: is_x}, torch.zeros(1), torch.ones(1, 1)),
        ),
        (
            [HeadProgram(OUTPUT, "is x"), inert_head("unread head 1", CONTEXT)],
            inert_mlp("unread mlp 1", TOKENS),
        ),
    ]


def function(
    tokens: Int[np.ndarray, "batch time"],
) -> Float[np.ndarray, "batch time outputs"]:
    """The share of x among the tokens so far."""
    share: Float[np.ndarray, "batch time outputs"] = (
        np.cumsum(tokens == 0, axis=1) / np.arange(1, tokens.shape[1] + 1)
    )[..., None]
    return share


def sample(count: int, random: np.random.Generator) -> Int[np.ndarray, "batch time"]:
    """Random tokens."""
    return random.integers(0, TOKENS, (count, CONTEXT))


def scored(tokens: Int[np.ndarray, "batch time"]) -> Bool[np.ndarray, "batch time"]:
    """All steps."""
    return np.ones(tokens.shape, bool)
