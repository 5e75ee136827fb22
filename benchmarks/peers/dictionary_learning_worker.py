"""dictionary_learning: the `update` of its trainers, with their defaults."""

from __future__ import annotations

from itertools import islice
from typing import Any

import torch
from serve import Data, Task, Trainer, serve
from torch import Tensor

SHARES = [1 / 16, 1 / 16, 1 / 8, 1 / 4, 1 / 2]


class DictionaryLearning(Trainer):
    """`normalise` is what its `trainSAE(normalize_activations=True)` does."""

    def __init__(self, task: Task, data: Data) -> None:
        from dictionary_learning.training import get_norm_factor

        self._trainer = _trainer(task, data.d)
        if hasattr(self._trainer, "dead_feature_threshold"):
            self._trainer.dead_feature_threshold = task.dead_rows
        self._factor = 1.0
        if task.normalise:
            batches = (data.batch(number) for number in range(data.count))
            count = min(100, data.count)
            self._factor = float(get_norm_factor(islice(batches, count), steps=count))
        self._trained = False

    def step(self, batch: Tensor, number: int) -> None:
        self._trainer.update(number, batch if self._factor == 1.0 else batch / self._factor)

    def parameters(self) -> list[Tensor]:
        return list(self._trainer.ae.parameters())

    def force_dead(self, count: int) -> None:
        if hasattr(self._trainer, "num_tokens_since_fired"):
            self._trainer.num_tokens_since_fired[:count] = self._trainer.dead_feature_threshold

    def encode(self, batch: Tensor) -> Tensor:
        return self._trainer.ae.encode(batch)

    def reconstruct(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        if not self._trained:
            self._trainer.ae.scale_biases(self._factor)
            self._trained = True
        acts = self._trainer.ae.encode(batch)
        return self._trainer.ae.decode(acts), acts.nonzero()[:, 1]


def _trainer(task: Task, d: int) -> Any:
    from dictionary_learning.trainers.batch_top_k import BatchTopKTrainer
    from dictionary_learning.trainers.jumprelu import JumpReluTrainer
    from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKTrainer
    from dictionary_learning.trainers.top_k import TopKTrainer

    torch.manual_seed(task.seed)
    common = {
        "steps": task.steps,
        "activation_dim": d,
        "dict_size": task.width,
        "layer": 0,
        "lm_name": "benchmark",
        "lr": task.learning_rate,
        "warmup_steps": task.warmup_steps,
        "decay_start": task.steps - task.decay_steps if task.decay_steps else None,
        "seed": task.seed,
        "device": task.device,
    }
    if task.recipe == "topk":
        return TopKTrainer(k=task.k, **common)
    if task.recipe == "batch_topk":
        return BatchTopKTrainer(k=task.k, **common)
    if task.recipe == "matryoshka_batch_topk":
        return MatryoshkaBatchTopKTrainer(k=task.k, group_fractions=SHARES, **common)
    if task.recipe == "jumprelu":
        return JumpReluTrainer(target_l0=float(task.k), **common)
    raise ValueError(f"dictionary_learning is not measured with {task.recipe!r}")


if __name__ == "__main__":
    serve(DictionaryLearning, "dictionary-learning")
