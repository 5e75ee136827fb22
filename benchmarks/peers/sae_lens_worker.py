"""SAELens: its `SAETrainer`, one `step` at a time, with its defaults."""

from __future__ import annotations

import tempfile
from typing import Any

import torch
from serve import Data, Task, Trainer, serve
from torch import Tensor

PREFIXES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)


class SAELens(Trainer):
    """`normalise` is its `expected_average_only_in`; `options` go to the SAE's config."""

    def __init__(self, task: Task, data: Data) -> None:
        from sae_lens.config import SAETrainerConfig
        from sae_lens.training.sae_trainer import SAETrainer

        torch.manual_seed(task.seed)
        sae = _sae(task, data.d)
        if task.learning_rate is None:
            raise ValueError("SAELens has no learning rate that suits all data; give one")
        window = {}  # its own default, a thousand steps
        if task.dead_rows is not None:
            window["dead_feature_window"] = max(1, task.dead_rows // task.batch)
        config = SAETrainerConfig(
            total_training_samples=task.steps * task.batch,
            train_batch_size_samples=task.batch,
            lr=task.learning_rate,
            lr_end=0.0 if task.decay_steps else None,
            lr_warm_up_steps=task.warmup_steps,
            lr_decay_steps=task.decay_steps,
            **window,
            device=task.device,
            autocast=task.autocast,
        )
        if config.lr_end is None:
            config.lr_end = task.learning_rate / 10  # as its runner's config does
        batches = (data.batch(number) for number in range(task.steps))
        self._trainer = SAETrainer(config, sae, batches)
        self._inference: Any = None
        if task.normalise:
            self._trainer.activation_scaler.estimate_scaling_factor(
                d_in=data.d, data_provider=batches, n_batches_for_norm_estimate=data.count
            )

    def step(self, batch: Tensor, number: int) -> None:
        self._trainer.maybe_reset_sparsity()
        self._trainer.step(batch)
        self._trainer.n_training_steps += 1

    def parameters(self) -> list[Tensor]:
        return list(self._trainer.sae.parameters())

    def force_dead(self, count: int) -> None:
        since = self._trainer.n_forward_passes_since_fired
        since[:count] = self._trainer.cfg.dead_feature_window + 1

    def encode(self, batch: Tensor) -> Tensor:
        return self._for_inference().encode(batch)

    def reconstruct(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        sae = self._for_inference()
        acts = sae.encode(batch)
        return sae.decode(acts), acts.nonzero()[:, 1]

    def coded(self, batch: Tensor) -> dict[str, Tensor]:
        sae = self._for_inference()
        codes = sae.encode(batch)
        return {"decoder": sae.W_dec.data, "codes": codes, "reconstruction": sae.decode(codes)}

    def _for_inference(self) -> Any:
        """What its users load from disk: another class than the one that trains."""
        from sae_lens import SAE

        if self._inference is None:
            factor = self._trainer.activation_scaler.scaling_factor
            if factor is not None:  # as the end of its `fit` does
                self._trainer.sae.fold_activation_norm_scaling_factor(factor)
                self._trainer.activation_scaler.scaling_factor = None
            with tempfile.TemporaryDirectory() as folder:
                self._trainer.sae.save_inference_model(folder)
                device = str(self._trainer.sae.device)
                self._inference = SAE.load_from_disk(folder, device=device)
        return self._inference


def _sae(task: Task, d: int) -> Any:
    from sae_lens import (
        BatchTopKTrainingSAE,
        BatchTopKTrainingSAEConfig,
        JumpReLUTrainingSAE,
        JumpReLUTrainingSAEConfig,
        MatryoshkaBatchTopKTrainingSAE,
        MatryoshkaBatchTopKTrainingSAEConfig,
        TopKTrainingSAE,
        TopKTrainingSAEConfig,
    )

    scaling = "expected_average_only_in" if task.normalise else "none"
    common = {
        "d_in": d,
        "d_sae": task.width,
        "normalize_activations": scaling,
        "device": task.device,
        **task.options,
    }
    if task.recipe == "topk":
        return TopKTrainingSAE(TopKTrainingSAEConfig(k=task.k, **common))
    if task.recipe == "batch_topk":
        return BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(k=task.k, **common))
    if task.recipe == "matryoshka_batch_topk":
        widths = [round(task.width * prefix) for prefix in PREFIXES]
        return MatryoshkaBatchTopKTrainingSAE(
            MatryoshkaBatchTopKTrainingSAEConfig(k=task.k, matryoshka_widths=widths, **common)
        )
    if task.recipe == "jumprelu":
        return JumpReLUTrainingSAE(JumpReLUTrainingSAEConfig(**common))
    raise ValueError(f"SAELens is not measured with {task.recipe!r}")


if __name__ == "__main__":
    serve(SAELens, "sae-lens")
