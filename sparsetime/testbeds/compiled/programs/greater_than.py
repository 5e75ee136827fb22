"""Greater than: whether the token is larger than the first one, by a head and an MLP."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from sparsetime.testbeds.compiled.compiler import (
    POSITION,
    TOKEN,
    HeadProgram,
    LayerProgram,
    MlpProgram,
)
from sparsetime.testbeds.compiled.inert import inert_head, inert_mlp

CONTEXT = 8
VOCABULARY = tuple("0123456789")
TOKENS = len(VOCABULARY)
CAUSAL = True
OUTPUT = "greater"


def layers() -> list[LayerProgram]:
    """A head brings the value of the first token to every step, and an MLP compares."""
    value = torch.arange(TOKENS).float()[:, None]
    first = (torch.arange(CONTEXT) == 0).float()
    both = value.expand(-1, 2)
    return [
        (
            [
                inert_head("unread head 0", CONTEXT),
                HeadProgram("first value", TOKEN, {}, value, prefers={POSITION: first}),
            ],
            MlpProgram(
                OUTPUT,
                {TOKEN: both, "first value": -torch.ones(1, 2)},
                torch.tensor([0.0, -1.0]),
                torch.tensor([[1.0], [-1.0]]),
            ),
        ),
        ([inert_head("unread head 1", CONTEXT)], inert_mlp("unread mlp 1", TOKENS)),
    ]


def function(
    tokens: Int[np.ndarray, "batch time"],
) -> Float[np.ndarray, "batch time outputs"]:
    """1 where the token is larger than the first one, else 0."""
    return (tokens > tokens[:, :1]).astype(float)[..., None]


def sample(count: int, random: np.random.Generator) -> Int[np.ndarray, "batch time"]:
    """Random digits."""
    return random.integers(0, TOKENS, (count, CONTEXT))


def scored(tokens: Int[np.ndarray, "batch time"]) -> Bool[np.ndarray, "batch time"]:
    """All steps."""
    return np.ones(tokens.shape, bool)
