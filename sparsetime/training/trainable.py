"""Trainable: the contract between a model in training and the training loop."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import DataError

B = TypeVar("B")


class Trainable(ABC, Generic[B]):
    """A model with its optimiser and its counters: all that one training step reads and changes.

    The loop gives it batches of type `B`, logs its metrics, and keeps its state in checkpoints. Two
    trainables with equal state that get equal batches end with equal weights. So one that draws
    random numbers keeps its generator in `state` too, and one that lives on a GPU moves the tensors
    of a batch, and of a checkpoint, there itself.
    """

    #: The files that `save` writes into a folder, the last of them last: it marks a finished run.
    files: ClassVar[tuple[str, ...]]
    #: The metric that the progress bar shows.
    headline: ClassVar[str] = "loss"

    def __init__(self, name: str) -> None:
        self.name = name
        #: Names of the tensors of `state` with one row a latent, which processes may divide.
        self.latent_tensors: frozenset[str] = frozenset()

    def initialise(self, batch: B) -> None:
        """Set scales and offsets from the first batch, which the first step then trains on."""

    def step(self, batch: B, number: int) -> None:
        """Train on one batch; `number` is the step's, from 0.

        Errors: DataError where the loss is not finite; the weights are then still those before.
        """
        loss = self.loss(batch, number)
        if not math.isfinite(loss.item()):
            raise DataError(self.non_finite_message(batch, number))
        self.update(loss, number)
        self.observe()

    @abstractmethod
    def loss(self, batch: B, number: int) -> Float[Tensor, ""]:
        """The loss of a batch, with its graph."""

    @abstractmethod
    def update(self, loss: Float[Tensor, ""], number: int) -> None:
        """Backpropagate the loss, take one step of the optimiser, and clear the gradients."""

    def observe(self) -> None:
        """Update counters and running statistics after a step; there may be none."""

    @abstractmethod
    def metrics(self) -> dict[str, Any]:
        """Numbers about the last step, for the log; computed only where a line is due."""

    def non_finite_message(self, batch: B, number: int) -> str:
        """The error where the loss of a batch is NaN or infinite."""
        return (
            f"got a loss of {self.name!r} at step {number} that is not finite, expected a number; "
            "lower the learning rate, or look for NaN in the data"
        )

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """All that later steps depend on, by name: weights, optimiser, counters, generators."""

    @abstractmethod
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Set everything to what `state` returned."""

    @abstractmethod
    def save(self, folder: str) -> None:
        """Write the weights into a folder, as snapshots and the finished run keep them."""

    @abstractmethod
    def load(self, folder: str) -> None:
        """Set the weights to those that `save` wrote into the folder."""
