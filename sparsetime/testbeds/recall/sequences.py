"""Sequences of the recall testbed: pairs in the first half, queries in the second half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.testbeds.recall.settings import RecallTask

#: Roles of a step, in the order of their numbers.
ROLES = ("noise", "key", "value", "query", "answer")


@final
@dataclass(frozen=True)
class RecallSequences:
    """A batch of sequences with what is known of every step.

    symbols: the inputs. role: number in `ROLES`. lag: steps since the key was planted, at queries;
    -1 elsewhere. The answer is the symbol after a query.
    """

    symbols: Int[Tensor, "batch time"]
    role: Int[Tensor, "batch time"]
    lag: Int[Tensor, "batch time"]

    @property
    def is_query(self) -> Bool[Tensor, "batch time"]:
        """The steps at which the next symbol is determined by the past."""
        return self.role == ROLES.index("query")

    @property
    def answers(self) -> Int[Tensor, " queries"]:
        """The right symbol after each query, in the order of the marked steps."""
        return self.symbols.roll(-1, 1)[self.is_query]


def recall_sequences(
    task: RecallTask, count: int, seed: int = 0, part: str = "training", step: int = 0
) -> RecallSequences:
    """Random sequences of the task: multi-query associative recall in noise.

    Every sequence has `pairs` different keys, each followed by a value of its own choice, at random
    even places of its first half. In its second half every key comes again `queries` times at
    random places, followed by the same value. All other symbols are noise.

    part: "training", or another name for sequences that no training reads; step: of the training.

    Source: Arora et al. 2023, Zoology, arXiv:2312.04927 (multi-query associative recall).
    """
    random = seeds.numpy_generator(seed, "recall sequences", part, step)
    half = task.length // 4  # places of two steps in each half
    symbols = task.keys + task.values + random.integers(task.noise, size=(count, task.length))
    role = np.zeros((count, task.length), dtype=np.int64)
    lag = np.full((count, task.length), -1, dtype=np.int64)
    keys = random.random((count, task.keys)).argsort(1)[:, : task.pairs]
    values = task.keys + random.integers(task.values, size=(count, task.pairs))
    planted = 2 * random.random((count, half)).argsort(1)[:, : task.pairs]
    asked = 2 * random.random((count, half)).argsort(1)[:, : task.pairs * task.queries]
    asked += 2 * half
    which = np.arange(task.pairs * task.queries) % task.pairs
    row = np.arange(count)[:, None]
    for at, pairs, roles in ((planted, slice(None), (1, 2)), (asked, which, (3, 4))):
        symbols[row, at], symbols[row, at + 1] = keys[:, pairs], values[:, pairs]
        role[row, at], role[row, at + 1] = roles
    lag[row, asked] = asked - planted[:, which]
    return RecallSequences(*(torch.from_numpy(x) for x in (symbols, role, lag)))
