"""Components that compute something that nothing reads: they are not of the circuit."""

from __future__ import annotations

import torch

from sparsetime.testbeds.compiled.compiler import POSITION, TOKEN, HeadProgram, MlpProgram


def inert_head(name: str, context: int) -> HeadProgram:
    """A head that copies the token of half the position into a variable that nothing reads."""
    steps = torch.arange(context)
    half = (steps[:, None] // 2 == steps).float()
    return HeadProgram(name, TOKEN, {(POSITION, POSITION): half})


def inert_mlp(name: str, tokens: int) -> MlpProgram:
    """An MLP that writes whether the token's number is odd; nothing reads it."""
    odd = (torch.arange(tokens) % 2).float()[:, None]
    return MlpProgram(name, {TOKEN: odd}, torch.zeros(1), torch.ones(1, 1))
