"""sparsetime itself, measured as the peers are; and one dense product, for scale."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from serve import Data, Task, Trainer, serve
from torch import Tensor

import sparsetime as st
from sparsetime import Batch, seeds
from sparsetime.dictionaries import init_from_data
from sparsetime.kernels.malloc import keep_freed_memory
from sparsetime.kernels.precision import selection_dtype
from sparsetime.training import DictionaryTrainable, TrainConfig

sys.path.append(str(Path(__file__).parents[1]))
from harness.selection import force_inherited_dtype


class Sparsetime(Trainer):
    """`options`: `selection_dtype`, and the recipe's own. Without a learning rate: defaults."""

    def __init__(self, task: Task, data: Data) -> None:
        options = dict(task.options)
        chosen = options.pop("selection_dtype", "auto")
        size = {"l0": float(task.k)} if task.recipe == "jumprelu" else {"k": task.k}
        self._dictionary = st.dictionary(
            task.recipe, d_in=data.d, width=task.width, seed=task.seed, **size, **options
        )
        self.needs = "pairs" if "earlier" in self._dictionary.needs else "rows"
        size_of_run = {"rows": task.steps * task.batch, "batch": task.batch}
        config = TrainConfig(**size_of_run)
        if task.learning_rate is not None:
            config = TrainConfig(
                **size_of_run,
                learning_rate=task.learning_rate,
                lr_warmup=task.warmup_steps / task.steps,
                lr_decay=task.decay_steps / task.steps,
                dead_after=task.dead_rows,
            )
        keep_freed_memory()  # as `sparsetime.train` does
        device = torch.device(task.device)
        dtype = selection_dtype(device) if chosen == "auto" else getattr(torch, chosen)
        self._dictionary.to(device)
        init_from_data(self._dictionary, data.batch(0))
        self._trainable = DictionaryTrainable(self._dictionary, config, dtype)

    def step(self, batch: Tensor, number: int) -> None:
        self._trainable.step(Batch.of(batch), number)

    def parameters(self) -> list[Tensor]:
        return list(self._dictionary.parameters())

    def force_dead(self, count: int) -> None:
        tracker = self._trainable.tracker
        tracker.rows_since[:count] = tracker.entries_since[:count] = 10**12

    def encode(self, batch: Tensor) -> Any:
        return self._dictionary.eval().encode(batch)

    def reconstruct(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        code = self.encode(batch)
        return self._dictionary.decode(code), code.indices.long()

    def coded(self, batch: Tensor) -> dict[str, Tensor]:
        code = self.encode(batch)
        return {
            "decoder": self._dictionary.atoms,
            "codes": code.dense(),
            "reconstruction": self._dictionary.decode(code),
        }


class Product(Trainer):
    """`batch @ weight.T` into fresh memory: what a dense encoder starts with.

    In float32 on a CPU, in bfloat16 on a GPU; operands are cast beforehand.
    """

    def __init__(self, task: Task, data: Data) -> None:
        generator = seeds.torch_generator(task.seed, "random inputs", device=task.device)
        self._dtype = torch.float32 if task.device == "cpu" else torch.bfloat16
        shape = task.width, data.d
        weight = torch.randn(shape, generator=generator, device=task.device)
        self._weight = weight.to(self._dtype)
        self._batches = [data.batch(number).to(self._dtype) for number in range(data.count)]

    def step(self, batch: Tensor, number: int) -> None:
        torch.mm(self._batches[number % len(self._batches)], self._weight.T)

    def parameters(self) -> list[Tensor]:
        return [self._weight]

    def encode(self, batch: Tensor) -> Tensor:
        return torch.mm(batch.to(self._dtype), self._weight.T)

    def reconstruct(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError("a product reconstructs nothing")


def make(task: Task, data: Data) -> Trainer:
    return Product(task, data) if task.recipe == "product" else Sparsetime(task, data)


if __name__ == "__main__":
    force_inherited_dtype()
    serve(make, "sparsetime")
