"""A dictionary in training: its Adam optimiser, its dead-latent tracker, one step."""

from __future__ import annotations

from functools import cached_property
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.activations.sampling.batch import Batch
from sparsetime.dictionaries import serialise
from sparsetime.dictionaries.component import unit_rows
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.initialise import check_weights_finite, init_from_data
from sparsetime.dictionaries.legacy_config import current_weights
from sparsetime.statistics.fvu import fvu
from sparsetime.statistics.heavy_tail import warn_of_heavy_tail
from sparsetime.training.adam import MOMENTS, Adam
from sparsetime.training.config import TrainConfig
from sparsetime.training.dead_latents import DeadLatentTracker
from sparsetime.training.learning_check import LearningCheck
from sparsetime.training.processes import Division
from sparsetime.training.schedule import warmup_stable_decay
from sparsetime.training.trainable import Trainable
from sparsetime.training.trained_parameters import (
    check_reached,
    nothing_to_train,
    trained_parameters,
)


@final
class DictionaryTrainable(Trainable[Batch]):
    """A dictionary with everything that one training step of it reads and changes.

    dtype: in which the encoder's product is taken where latents are selected. division: of the
    dictionary among processes; without it, this process has all of it.
    """

    files = (serialise.WEIGHTS_NAME, serialise.JSON_NAME)
    headline = "fvu"

    def __init__(
        self,
        dictionary: Dictionary,
        config: TrainConfig,
        dtype: torch.dtype,
        division: Division | None = None,
    ) -> None:
        super().__init__(dictionary.name)
        self._division = division = division or Division(dictionary)
        self._part = division.part.train()
        self._trained = trained_parameters(self._part, f"the dictionary {dictionary.name!r}")
        if not self._trained and not dictionary.decoder.grows_by_rows:
            raise nothing_to_train(dictionary, f"the dictionary {dictionary.name!r}")
        self.dictionary = dictionary.train()
        self.config = config
        self._dtype = dtype
        decoder = dictionary.decoder
        window = decoder.written().shape[1] // decoder.d_out
        self._rate = config.rate(dictionary.width, window)
        self.tracker = DeadLatentTracker(
            self._part.width, config.dead_after, self._part.atoms.device, division.partition
        )
        self.latent_tensors = frozenset(
            {f"dictionary.{name}" for name in division.latent_tensors}
            | {f"adam.{m}.{name}" for m in MOMENTS for name in division.latent_tensors}
            | {"rows_since_fired", "entries_since_fired"}
        )
        self._forward: ForwardPass | None = None
        self._check = LearningCheck(dictionary, config.steps)

    @cached_property
    def _optimiser(self) -> Adam:
        # Made at the first use: a finished run needs no moments, which are twice the weights.
        rows, clip = unit_rows(self._part), self.config.grad_clip
        return Adam(self._trained, rows, self._rate, clip, self._division)

    def initialise(self, batch: Batch) -> None:
        """Set the scales and offsets of the dictionary's components from the first batch.

        Parameters that the caller froze keep their values, as does a dictionary that is fitted.
        """
        if self.dictionary.is_fitted:
            self._division.distribute()
            return
        frozen = {p: p.clone() for p in self.dictionary.parameters() if not p.requires_grad}
        warn_of_heavy_tail(batch.site_rows, "training")
        device = self.dictionary.atoms.device
        init_from_data(self.dictionary, batch.to(device), self.config.robust_scale)
        with torch.no_grad():
            for parameter, value in frozen.items():
                parameter.copy_(value)
        self._division.distribute()

    def loss(self, batch: Batch, number: int) -> Float[Tensor, ""]:
        """The dictionary's objective on the batch: the weighted sum of its terms."""
        self._forward = None  # frees the last step's tensors before this one's are made
        progress = number / max(1, self.config.steps - 1)
        own = self._division.rows_of(batch).to(self.tracker.rows_since.device)
        self._forward = self._part.forward_train(
            own, self.tracker.dead, self._dtype, progress, self._division.partition
        )
        self.losses = self._part.objective.losses(self._forward)
        return self._part.objective.total(self.losses)

    def update(self, loss: Float[Tensor, ""], number: int) -> None:
        """One step of Adam, at the learning rate of the schedule."""
        config = self.config
        factor = warmup_stable_decay(number, config.steps, config.lr_warmup, config.lr_decay)
        self._optimiser.rate = self._rate * factor
        if not self._trained:  # the atoms are rows of the data, which `observe` adds
            return
        check_reached(loss, self._trained, f"the loss of {self.name!r}")
        with kernels.row_gradients():
            loss.backward()
        self._optimiser.step()

    def observe(self) -> None:
        """Count since when latents did not fire, and let components update their statistics."""
        forward = self._last_forward
        self.tracker.observe(forward.support.indices, forward.values.detach(), forward.x.shape[0])
        self._part.observe(forward)

    @torch.no_grad()
    def metrics(self) -> dict[str, Any]:
        """Every loss term, FVU = ||target - output||² / ||target - mean||², L0, dead latents."""
        forward = self._last_forward
        division = self._division
        target, residual = division.gathered(forward.target), division.gathered(forward.residual)
        unexplained = fvu(target, residual).item()
        partition = division.partition
        entries = partition.sum_over_entries(forward.values.count_nonzero()).item()
        l0 = entries / partition.all_rows(forward.x.shape[0])
        self._check.observe(forward.progress, unexplained, l0)
        return {
            **{f"loss_{name}": loss.item() for name, loss in self.losses.items()},
            "fvu": unexplained,
            "l0": l0,
            "dead": partition.count_latents(int(self.tracker.dead.sum())),
            "learning_rate": self._optimiser.rate,
        }

    def state(self) -> dict[str, Tensor]:
        """Weights and buffers, Adam's moments, rows and entries since each latent fired.

        Errors: DataError where a weight is not finite, so that no checkpoint keeps it.
        """
        check_weights_finite(self._part, "was trained")
        tensors = {f"dictionary.{n}": t for n, t in self._part.state_dict().items()}
        tensors |= {f"adam.{name}": t for name, t in self._optimiser.state().items()}
        tensors["rows_since_fired"] = self.tracker.rows_since
        tensors["entries_since_fired"] = self.tracker.entries_since
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Set everything to what `state` returned."""
        self.dictionary.is_fitted = True
        tensors = current_weights(tensors)
        names = self._part.state_dict()
        self._part.load_state_dict({name: tensors[f"dictionary.{name}"] for name in names})
        adam_names = self._optimiser.state()
        self._optimiser.restore({name: tensors[f"adam.{name}"] for name in adam_names})
        self.tracker.rows_since.copy_(tensors["rows_since_fired"])
        # Checkpoints of version 0.1.0 counted rows alone.
        entries = tensors.get("entries_since_fired", torch.zeros_like(self.tracker.entries_since))
        self.tracker.entries_since.copy_(entries)

    def save(self, folder: str) -> None:
        """Write the dictionary; `sparsetime.load` opens it. Errors: as `state`."""
        check_weights_finite(self._part, "was trained")
        self._division.save(folder)

    def load(self, folder: str) -> None:
        """Set the weights to those of the dictionary in the folder."""
        self.dictionary.load_state_dict(serialise.load(folder).state_dict())
        self.dictionary.is_fitted = True

    def non_finite_message(self, batch: Batch, number: int) -> str:
        """Name the first bad row of the batch, or else the learning rate."""
        for name, tensor in batch.tensors.items():
            bad = (~torch.isfinite(tensor.flatten(1))).any(1).nonzero()
            if bad.numel():
                return (
                    f"the batch of step {number} holds NaN or inf, first in row {int(bad[0])} of "
                    f"its {name}; find out where the model makes them before training"
                )
        return (
            f"the loss of {self.name!r} is not finite at step {number}, though its "
            f"batch is; lower the learning rate, which is {self._rate:.2g} at its peak"
        )

    @property
    def _last_forward(self) -> ForwardPass:
        if self._forward is None:
            raise RuntimeError("got no step yet, expected one; call `step` first")
        return self._forward
