"""Recall accuracy: how often the symbol after a query is the right one."""

from __future__ import annotations

import torch
from torch import nn

from sparsetime.models.eval_mode import eval_mode
from sparsetime.testbeds.recall.sequences import recall_sequences
from sparsetime.testbeds.recall.settings import RecallTask


@torch.no_grad()
def recall_accuracy(
    model: nn.Module, task: RecallTask, sequences: int = 256, seed: int = 0
) -> dict[str, float]:
    """Accuracy on held-out sequences of the task, at all queries and by lag.

    model: from symbols [batch, time] to logits [batch, time, vocabulary].

    Returns "accuracy", "chance" (1 / values), and "near" and "far": the accuracy at the quarter of
    queries with the shortest lags, and with the longest.
    """
    batch = recall_sequences(task, sequences, seed, "held out")
    with eval_mode(model):
        logits = model(batch.symbols)
    correct = (logits[batch.is_query].argmax(-1) == batch.answers).float()
    by_lag = correct[batch.lag[batch.is_query].argsort(stable=True)]
    quarter = max(1, len(by_lag) // 4)
    return {
        "accuracy": float(correct.mean()),
        "chance": 1 / task.values,
        "near": float(by_lag[:quarter].mean()),
        "far": float(by_lag[-quarter:].mean()),
    }
