"""Sorting: ranks by a head that attends to smaller tokens, then a head that looks ranks up."""

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

LENGTH, SYMBOLS = 6, 9
CONTEXT, TOKENS = LENGTH + 1, SYMBOLS + 1
VOCABULARY = ("<s>", *"123456789")
CAUSAL = False
OUTPUT = "sorted"


def layers() -> list[LayerProgram]:
    """A head attends to the mark and to smaller tokens, so the mark has 1 / (1 + rank) of it.

    An MLP turns that share into the rank, and the second head of step t finds the token of rank t.
    """
    number = torch.arange(TOKENS)
    smaller = (number < number[:, None]).float()  # the mark is number 0, so always smaller
    smaller[0, 0] = 1
    mark = torch.zeros(TOKENS, 1)
    mark[0] = 1
    rank = torch.arange(LENGTH)
    low, high = 1 / (rank + 2.0), 1 / (rank + 1.0)
    # Neurons 2r, 2r + 1: a ramp from 0 to 1 between the shares of rank r + 1 and r.
    slope = (1 / (high - low)).repeat_interleave(2)
    edges = torch.stack([low, high], dim=1).reshape(-1)
    step = torch.zeros(2 * LENGTH, LENGTH)
    step[2 * rank, rank], step[2 * rank + 1, rank] = 1.0, -1.0
    is_rank = step.clone()
    is_rank[:, 1:] -= step[:, :-1]
    not_the_mark = mark * -2 * slope  # which attends to itself alone, as rank 0 does
    at_step = torch.zeros(CONTEXT, LENGTH)
    at_step[rank + 1, rank] = 1
    return [
        (
            [
                HeadProgram("share of mark", TOKEN, {(TOKEN, TOKEN): smaller}, mark),
                inert_head("unread head 0", CONTEXT),
            ],
            MlpProgram(
                "rank",
                {"share of mark": slope[None], TOKEN: not_the_mark},
                -slope * edges,
                is_rank,
            ),
        ),
        (
            [
                HeadProgram(OUTPUT, TOKEN, {(POSITION, "rank"): at_step}),
                inert_head("unread head 1", CONTEXT),
            ],
            inert_mlp("unread mlp 1", TOKENS),
        ),
    ]


def function(
    tokens: Int[np.ndarray, "batch time"],
) -> Float[np.ndarray, "batch time outputs"]:
    """The tokens behind the mark in ascending order, one-hot."""
    in_order = np.sort(tokens, axis=1)
    ones: Float[np.ndarray, "batch time outputs"] = np.eye(TOKENS)[in_order]
    return ones


def sample(count: int, random: np.random.Generator) -> Int[np.ndarray, "batch time"]:
    """The mark, then different symbols in random order."""
    symbols = random.permuted(np.tile(np.arange(1, TOKENS), (count, 1)), axis=1)[:, :LENGTH]
    return np.concatenate([np.zeros((count, 1), np.int64), symbols], axis=1)


def scored(tokens: Int[np.ndarray, "batch time"]) -> Bool[np.ndarray, "batch time"]:
    """All steps but that of the mark."""
    return np.asarray(tokens != 0)
