"""Processes of a training, and the division of a dictionary among them: here one, which has all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.sampling.batch import Batch
from sparsetime.dictionaries import serialise
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.partition import WHOLE, Partition
from sparsetime.files import Folder
from sparsetime.kernels import GradientRows
from sparsetime.training.checkpoints import Checkpoints


class Division:
    """A dictionary in training, and this process's part of it: all of it.

    whole: what the caller trains and saves. part: what this process computes with. partition: the
    sums of its steps. latent_tensors: names of the tensors of `part` with one row a latent, of
    which other processes have the other rows.
    """

    def __init__(self, whole: Dictionary) -> None:
        self.whole = self.part = whole
        self.partition: Partition = WHOLE
        self.latent_tensors: frozenset[str] = frozenset()

    def distribute(self) -> None:
        """Copy this process's part out of the whole."""

    def collect(self) -> None:
        """Copy the parts of all processes into the whole."""

    def save(self, folder: str) -> None:
        """Write the whole into a folder."""
        serialise.save(self.whole, folder)

    def rows_of(self, batch: Batch) -> Batch:
        """The rows of a batch that this process has."""
        return batch

    def gathered(self, own: Float[Tensor, "rows d"]) -> Float[Tensor, "all_rows d"]:
        """The rows of a batch on all processes, from those on this one."""
        return own

    def gradients(
        self, own: dict[str, GradientRows], like: Mapping[str, Tensor]
    ) -> dict[str, GradientRows]:
        """Gradients of all rows from those of this process's; like: the parameters, by name."""
        del like
        return own

    def norm(self, norms: Mapping[str, Float[Tensor, ""]]) -> Float[Tensor, ""]:
        """The Euclidean norm of all gradients together, from the norm of each of `part`."""
        total: Tensor = torch.linalg.vector_norm(torch.stack(list(norms.values())))
        return total


class Processes:
    """The processes that train together: one.

    writes: whether this process writes logs, snapshots and results.
    """

    writes: bool = True

    def device(self, dictionary: Dictionary) -> torch.device:
        """The device on which a dictionary is trained."""
        return dictionary.atoms.device

    def division(self, dictionary: Dictionary, fingerprint: str | None) -> Division:
        """The division of a dictionary that is trained on data of a fingerprint, None without one.

        Errors: ConfigError where it cannot be divided.
        """
        del fingerprint
        return Division(dictionary)

    def folder(self, path: str) -> Folder:
        """The folder of a run, as this process may write to it."""
        return Folder(path)

    def checkpoints(self, path: str) -> Checkpoints:
        """The checkpoints of the run in a folder."""
        return Checkpoints(Folder(path))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Do something before training that may fail: it fails on all processes or on none."""
        yield

    def check_equal(self, facts: Mapping[str, Any]) -> None:
        """Check that all processes have the same facts, by name: settings, data, versions.

        Errors: ProcessError that names those which differ.
        """

    def check_folder(self, path: str) -> None:
        """Check that all processes see a folder, whose files are replaced at once.

        Errors: ProcessError, StoreError.
        """

    def of_first(self, own: Any) -> Any:
        """The first process's value of something that JSON holds."""
        return own


#: Training in one process.
ONE = Processes()
