"""One dictionary in training: its optimiser, its bookkeeping, one step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sparsetime import kernels
from sparsetime.activations.sampling.batch import Batch
from sparsetime.dictionaries.component import unit_rows
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.errors import DataError
from sparsetime.training.adam import Adam
from sparsetime.training.config import TrainConfig
from sparsetime.training.dead_latents import DeadLatentTracker
from sparsetime.training.schedule import rate_factor


class DictionaryTrainable:
    """A dictionary with everything that one training step of it reads and changes.

    `state` and `restore` hold all of it, so that a run goes on from a checkpoint exactly as if it
    had not stopped.
    """

    def __init__(self, dictionary: Dictionary, config: TrainConfig, dtype: torch.dtype) -> None:
        self.dictionary = dictionary.train()
        self.config = config
        self._dtype = dtype
        self._rate = config.rate(dictionary.width)
        trained = {name: p for name, p in dictionary.named_parameters() if p.requires_grad}
        self._optimiser = Adam(trained, unit_rows(dictionary), self._rate, config.grad_clip)
        self.tracker = DeadLatentTracker(
            dictionary.width, config.dead_rows, dictionary.atoms.device
        )

    def step(self, batch: Batch, number: int) -> ForwardPass:
        """Train on one batch; `number` is the step's, from 0.

        Errors: DataError where the loss is not finite.
        """
        factor = rate_factor(number, self.config.steps, self.config.lr_warmup, self.config.lr_decay)
        self._optimiser.rate = self._rate * factor
        progress = number / max(1, self.config.steps - 1)
        step = self.dictionary.step(batch, self.tracker.dead, self._dtype, progress)
        self.losses = self.dictionary.objective.losses(step)
        total = self.dictionary.objective.total(self.losses)
        if not torch.isfinite(total):
            raise DataError(self._not_finite(number, batch))
        if total.requires_grad:  # nothing has a gradient where atoms are data
            with kernels.row_gradients():
                total.backward()
            self._optimiser.step()
        self.tracker.observe(step.support.indices, step.values.detach(), step.x.shape[0])
        self.dictionary.observe(step)
        return step

    @torch.no_grad()
    def figures(self, step: ForwardPass) -> dict[str, Any]:
        """What the log says of a step: every loss term, FVU and L0 of the batch, dead latents."""
        centred = step.target - step.target.mean(0)
        return {
            **{f"loss_{name}": loss.item() for name, loss in self.losses.items()},
            "fvu": (step.residual.square().sum() / centred.square().sum()).item(),
            "l0": step.values.count_nonzero().item() / step.x.shape[0],
            "dead": int(self.tracker.dead.sum()),
            "learning_rate": self._optimiser.rate,
        }

    def state(self) -> dict[str, Tensor]:
        """Everything that later steps depend on, by name."""
        tensors = {f"dictionary.{n}": t for n, t in self.dictionary.state_dict().items()}
        tensors |= {f"adam.{name}": t for name, t in self._optimiser.state().items()}
        tensors["rows_since_fired"] = self.tracker.rows_since
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        own = self.dictionary.state_dict()
        self.dictionary.load_state_dict({name: tensors[f"dictionary.{name}"] for name in own})
        own = self._optimiser.state()
        self._optimiser.restore({name: tensors[f"adam.{name}"] for name in own})
        self.tracker.rows_since.copy_(tensors["rows_since_fired"])

    def _not_finite(self, number: int, batch: Batch) -> str:
        for name, tensor in batch.tensors.items():
            bad = (~torch.isfinite(tensor.flatten(1))).any(1).nonzero()
            if bad.numel():
                return (
                    f"the batch of step {number} holds NaN or inf, first in row {int(bad[0])} of "
                    f"its {name}; find out where the model makes them before training"
                )
        return (
            f"the loss of {self.dictionary.name!r} is not finite at step {number}, though its "
            f"batch is; lower the learning rate, which is {self._rate:.2g} at its peak"
        )
