"""A worker: one library in its own process, controlled by JSON lines on stdin.

    {"do": "make", "name": "a", "task": {...}}             -> {"parameters": 8397312}
    {"do": "step", "name": "a", "n": 1, "dead": 0}         -> {"seconds": [0.1]}
    {"do": "encode", "name": "a", "n": 1}                  -> {"seconds": [0.05]}
    {"do": "steps_in_a_row", "name": "a", "n": 5} -> {"seconds": [0.1], "beyond_bytes": ...}
    {"do": "encodings_in_a_row", "name": "a", "n": 5} -> {"seconds": [0.05]}
    {"do": "evaluate", "name": "a", "data": "held.safetensors"} -> {"fvu": 0.3, "fired": 500, ...}
    {"do": "export", "name": "a", "data": "held.safetensors", "out": "coded.safetensors"} -> {}
    {"do": "memory", "task": {...}, "n": 3, "dead": 0}     -> {"beyond_bytes": ..., ...}
    {"do": "drop"}                                         -> {}

Runs in the environments of the peers: nothing is imported here but torch and safetensors. What a
library prints goes to stderr, so that it cannot be taken for an answer.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
import traceback
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

import torch
from clock_and_memory import (
    allocated_on_gpu,
    give_memory_back,
    reset_peak,
    resident,
    seconds_each,
    wait_for_gpu,
)
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor


@dataclass(frozen=True)
class Task:
    """What to train on what. `dead_rows`: rows without firing until a latent counts as dead.

    `learning_rate` and `dead_rows` None: the library's own default.
    device: of the weights, and of the batches, which stay there. autocast: bfloat16 where the
    library's trainer has that choice.
    """

    recipe: str
    data: str
    width: int
    k: int
    batch: int
    steps: int = 100_000
    learning_rate: float | None = 3e-4
    warmup_steps: int = 0
    decay_steps: int = 0
    dead_rows: int | None = 10**9
    seed: int = 0
    normalise: bool = False
    device: str = "cpu"
    autocast: bool = False
    options: dict[str, Any] = field(default_factory=dict)


class Data:
    """Batches of a file of activations, the same for every library; the file is gone through in
    order, again and again.
    """

    def __init__(self, path: str, batch: int, device: str = "cpu") -> None:
        with safe_open(path, framework="pt") as file:
            self.rows = file.get_tensor("activations").to(device)
        self.d = self.rows.shape[1]
        self.size = batch
        self.count = self.rows.shape[0] // batch

    def batch(self, number: int) -> Tensor:
        start = number % self.count * self.size
        return self.rows[start : start + self.size].float()

    def pairs(self, number: int) -> Tensor:
        """Neighbouring rows [batch, 2, d], for recipes that learn from time."""
        now = self.batch(number)
        return torch.stack([now.roll(1, 0), now], 1)


class Trainer(ABC):
    """A library's own training, as one who uses it would run it."""

    needs = "rows"

    @abstractmethod
    def step(self, batch: Tensor, number: int) -> None:
        """One whole training step: forward, backward, bookkeeping, optimiser."""

    @abstractmethod
    def parameters(self) -> list[Tensor]:
        """The trained weights."""

    def force_dead(self, count: int) -> None:  # noqa: B027 - not all keep count
        """Let the first `count` latents count as dead in the next step."""

    @abstractmethod
    def encode(self, batch: Tensor) -> Any:
        """Raw activations to a code, as for inference."""

    @abstractmethod
    def reconstruct(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Raw activations after encoding and decoding, and the numbers of the latents that fired.

        Training is over when this is called first.
        """

    def coded(self, batch: Tensor) -> dict[str, Tensor]:
        """The decoder's rows [width, d], and the batch's codes [rows, width] and reconstruction."""
        raise NotImplementedError(f"{type(self).__name__} does not export its codes")


class Worker:
    """The trainers of one process by name, and what can be done with them."""

    def __init__(self, make: Any, library: str) -> None:
        self._make = make
        self._library = library
        self._slots: dict[str, tuple[Trainer, Data, list[int]]] = {}
        self._files: dict[tuple[str, int, str], Data] = {}
        self._on_gpu_before: dict[str, int] = {}

    def about(self) -> dict[str, Any]:
        return {
            "library": version(self._library),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "threads": torch.get_num_threads(),
        }

    def make(self, name: str, task: dict[str, Any]) -> dict[str, Any]:
        settings = Task(**task)
        data = self._data(settings.data, settings.batch, settings.device)
        self._on_gpu_before[name] = allocated_on_gpu()
        trainer = self._make(settings, data)
        self._slots[name] = (trainer, data, [0])
        return {"parameters": sum(p.numel() for p in trainer.parameters())}

    def drop(self) -> dict[str, Any]:
        self._slots.clear()
        self._files.clear()
        give_memory_back()
        return {}

    def step(self, name: str, n: int = 1, dead: int = 0) -> dict[str, Any]:
        trainer, data, done = self._slots[name]
        seconds = []
        for _ in range(n):
            number = done[0]
            batch = data.pairs(number) if trainer.needs == "pairs" else data.batch(number)
            if dead:
                trainer.force_dead(dead)
            wait_for_gpu()
            began = time.perf_counter()
            trainer.step(batch, number)
            wait_for_gpu()
            seconds.append(time.perf_counter() - began)
            done[0] += 1
        return {"seconds": seconds}

    def encode(self, name: str, n: int = 1) -> dict[str, Any]:
        trainer, data, _ = self._slots[name]
        seconds = []
        for number in range(n):
            batch = data.batch(number)
            with torch.no_grad():
                began = time.perf_counter()
                trainer.encode(batch)
                seconds.append(time.perf_counter() - began)
        return {"seconds": seconds}

    def steps_in_a_row(self, name: str, n: int) -> dict[str, Any]:
        """Seconds a step of `n` steps, waited for at their end alone, as in a training on a GPU.

        beyond_bytes: peak of the GPU's memory beyond weights and Adam's two moments; 0 on a CPU.
        """
        trainer, data, done = self._slots[name]
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()

        def one_step() -> None:
            number = done[0]
            trainer.step(
                data.pairs(number) if trainer.needs == "pairs" else data.batch(number), number
            )
            done[0] += 1

        seconds = seconds_each(one_step, n)
        weights = 4 * sum(p.numel() for p in trainer.parameters())
        peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
        beyond = peak - self._on_gpu_before[name] - 3 * weights
        return {"seconds": [seconds], "beyond_bytes": max(0, beyond), "weights_bytes": weights}

    @torch.no_grad()
    def encodings_in_a_row(self, name: str, n: int) -> dict[str, Any]:
        """Seconds a batch of `n` encoded batches, waited for at their end alone."""
        trainer, data, _ = self._slots[name]
        batches = iter(range(n))
        return {"seconds": [seconds_each(lambda: trainer.encode(data.batch(next(batches))), n)]}

    @torch.no_grad()
    def evaluate(self, name: str, data: str) -> dict[str, Any]:
        """FVU over all rows of a file; latents that fire for none of them; mean L0."""
        trainer, trained_on, _ = self._slots[name]
        held = self._data(data, min(trained_on.size, 4096), str(trained_on.rows.device))
        fired = torch.zeros(0, dtype=torch.int64)
        error = squares = 0.0
        total = torch.zeros(held.d, dtype=torch.float64)
        entries = rows = 0
        for number in range(held.count):
            x = held.batch(number)
            again, latents = trainer.reconstruct(x)
            error += float((x - again).double().square().sum())
            squares += float(x.double().square().sum())
            total += x.double().sum(0)
            fired = torch.cat([fired, latents]).unique()
            entries += latents.numel()
            rows += x.shape[0]
        spread = squares - float(total.square().sum()) / rows
        return {"fvu": error / spread, "fired": fired.numel(), "l0": entries / rows, "rows": rows}

    @torch.no_grad()
    def export(self, name: str, data: str, out: str) -> dict[str, Any]:
        """Write decoder, codes and reconstruction of the "held_out" rows of a file to `out`."""
        trainer, _, _ = self._slots[name]
        with safe_open(data, framework="pt") as file:
            coded = trainer.coded(file.get_tensor("held_out"))
        save_file({key: tensor.contiguous() for key, tensor in coded.items()}, out)
        return {}

    def memory(self, task: dict[str, Any], n: int = 3, dead: int = 0) -> dict[str, Any]:
        """Peak resident memory of `n` steps, beyond what weights and Adam's two moments take.

        For a process that has done nothing else. A few steps at a small size come first, so that
        code compiled and libraries loaded on the way do not count.
        """
        whole = Task(**task)
        small = replace(whole, width=min(512, whole.width), batch=64, k=min(16, whole.k))
        self.make("small", vars(small))
        self.step("small", 3, dead=small.width // 8 if dead else 0)
        self._slots.clear()
        self._data(whole.data, whole.batch, "cpu").rows.sum()  # read, and so in memory from here on
        give_memory_back()
        before = resident("VmRSS")
        weights = 4 * self.make("whole", task)["parameters"]
        give_memory_back()
        reset_peak()
        seconds = self.step("whole", n, dead)["seconds"]
        peak = resident("VmHWM")
        return {
            "seconds": seconds,
            "weights_bytes": weights,
            "adam_bytes": 2 * weights,
            "beyond_bytes": peak - before - 3 * weights,
            "process_bytes": peak,
        }

    def _data(self, path: str, batch: int, device: str) -> Data:
        key = path, batch, device
        if key not in self._files:
            self._files[key] = Data(*key)
        return self._files[key]


def serve(make: Any, library: str) -> None:
    """Answer until stdin ends. `make(task, data)` gives a Trainer; `library` is the package."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker(make, library)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = getattr(worker, order.pop("do"))(**order)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers)
