"""Balanced brackets: two averaging heads, each with an MLP behind it."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from sparsetime.testbeds.compiled.compiler import TOKEN, HeadProgram, LayerProgram, MlpProgram
from sparsetime.testbeds.compiled.inert import inert_head

CONTEXT = 12
VOCABULARY = ("(", ")", "a")
TOKENS = len(VOCABULARY)
CAUSAL = True
OUTPUT = "balanced"


def layers() -> list[LayerProgram]:
    """Shares of opened and closed brackets, their comparison, and whether it was ever negative.

    The difference of the shares is at least 1 / CONTEXT where it is not 0, so relus of it times
    CONTEXT, less 1, make truth values.
    """
    brackets = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    # Neurons: two for more closed than opened, two for more opened than closed.
    compare = CONTEXT * torch.tensor([[-1.0, -1.0, 1.0, 1.0], [1.0, 1.0, -1.0, -1.0]])
    truth = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    below = torch.tensor([[1.0], [0.0]])
    # One neuron: 1 less whether brackets are open, less CONTEXT times the share of steps below.
    never = torch.full((1, 1), -float(CONTEXT))
    opened = torch.tensor([[0.0], [-1.0]])
    return [
        (
            [inert_head("unread head 0", CONTEXT), HeadProgram("shares", TOKEN, {}, brackets)],
            MlpProgram("below, open", {"shares": compare}, torch.tensor([0.0, -1, 0, -1]), truth),
        ),
        (
            [
                HeadProgram("ever below", "below, open", {}, below),
                inert_head("unread head 1", CONTEXT),
            ],
            MlpProgram(
                OUTPUT,
                {"ever below": never, "below, open": opened},
                torch.ones(1),
                torch.ones(1, 1),
            ),
        ),
    ]


def function(
    tokens: Int[np.ndarray, "batch time"],
) -> Float[np.ndarray, "batch time outputs"]:
    """Whether the brackets so far are balanced: none is open, and none closed before it opened."""
    depth = np.cumsum((tokens == 0).astype(int) - (tokens == 1), axis=1)
    lowest = np.minimum.accumulate(depth, axis=1)
    balanced: Float[np.ndarray, "batch time outputs"] = ((depth == 0) & (lowest >= 0)).astype(
        float
    )[..., None]
    return balanced


def sample(count: int, random: np.random.Generator) -> Int[np.ndarray, "batch time"]:
    """Random tokens."""
    return random.integers(0, TOKENS, (count, CONTEXT))


def scored(tokens: Int[np.ndarray, "batch time"]) -> Bool[np.ndarray, "batch time"]:
    """All steps."""
    return np.ones(tokens.shape, bool)
