"""eai-sparsify: its `SparseCoder`, and around it what its `Trainer.fit` does for one batch.

Its `Trainer` takes a language model and token ids only, so the lines of its loop that concern one
batch of activations stand here, in its order, with its Adam.
"""

from __future__ import annotations

import os

import torch
from serve import Data, Task, Trainer, serve
from torch import Tensor


class Sparsify(Trainer):
    """Its aux-k is off by default; it is on here, at its paper's weight, where latents are dead."""

    def __init__(self, task: Task, data: Data) -> None:
        if task.device == "cpu":
            # Its decoder asks for Triton wherever Triton is installed, and crashes on a CPU.
            os.environ.setdefault("SPARSIFY_DISABLE_TRITON", "1")
        else:
            torch.set_float32_matmul_precision("high")  # as the first line of its `fit` does
        from sparsify import SparseCoder, SparseCoderConfig
        from transformers import get_linear_schedule_with_warmup

        if task.recipe != "topk":
            raise ValueError(f"sparsify is not measured with {task.recipe!r}")
        torch.manual_seed(task.seed)
        config = SparseCoderConfig(num_latents=task.width, k=task.k)
        self._sae = SparseCoder(data.d, config, device=task.device)
        self._adam = torch.optim.Adam(self._sae.parameters(), lr=task.learning_rate)
        self._schedule = get_linear_schedule_with_warmup(self._adam, task.warmup_steps, task.steps)
        self._dead_rows = task.dead_rows
        self._since = torch.zeros(task.width, dtype=torch.long, device=task.device)
        self._aux_weight = 0.0

    def step(self, batch: Tensor, number: int) -> None:
        sae = self._sae
        if number == 0:
            sae.b_dec.data = batch.mean(0)
        sae.set_decoder_norm_to_unit_norm()
        dead = self._since > self._dead_rows if self._aux_weight > 0 else None
        variance = (batch - batch.mean(0)).pow(2).sum()
        out = sae(x=batch, y=batch, dead_mask=dead, total_variance=variance)
        fired = torch.zeros_like(self._since, dtype=torch.bool)
        fired[out.latent_indices.flatten()] = True
        loss = out.fvu + self._aux_weight * out.auxk_loss + out.multi_topk_fvu / 8
        loss.backward()
        sae.remove_gradient_parallel_to_decoder_directions()
        self._adam.step()
        self._adam.zero_grad()
        self._schedule.step()
        self._since += batch.shape[0]
        self._since[fired] = 0

    def parameters(self) -> list[Tensor]:
        return list(self._sae.parameters())

    def force_dead(self, count: int) -> None:
        self._aux_weight = 1 / 32
        self._since[:count] = self._dead_rows + 1

    def encode(self, batch: Tensor) -> object:
        return self._sae.encode(batch)

    def reconstruct(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        code = self._sae.encode(batch)
        fires = code.top_acts > 0
        return self._sae.decode(code.top_acts, code.top_indices), code.top_indices[fires]


if __name__ == "__main__":
    serve(Sparsify, "eai-sparsify")
