"""One dictionary on its way through a run: what decides the run, and where it stands."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import torch
from safetensors.torch import save as save_tensors

from sparsetime.activations.sampling.batch import Batch
from sparsetime.activations.sources.source import Source
from sparsetime.activations.store.provenance import provenance
from sparsetime.dictionaries import serialise
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.kernels.precision import selection_dtype
from sparsetime.training.config import TrainConfig
from sparsetime.training.dictionary_trainable import DictionaryTrainable
from sparsetime.training.run_folder import RunFolder


class Job:
    """A dictionary on its way through a run, with its folder and where it stands."""

    def __init__(
        self, dictionary: Dictionary, source: Source, config: TrainConfig, path: str, force: bool
    ) -> None:
        self.dictionary = dictionary
        self.path = path
        self.config = config
        self.folder = RunFolder(path, force)
        dtype = _selection_dtype(config, dictionary, self.folder.settings)
        self.settings = _settings(dictionary, source, config, path, dtype)
        self.folder.check_same_settings(self.settings)
        self.finished = self.folder.is_finished
        self.next_step = 0
        self._record = _record(source)
        self._kept = frozenset(config.snapshot_steps)
        if self.finished:
            dictionary.load_state_dict(serialise.load(path).state_dict())
            return
        self.trainee = DictionaryTrainable(dictionary, config, getattr(torch, dtype))
        checkpoint = self.folder.checkpoint()
        if checkpoint is not None:
            self.next_step = int(checkpoint.pop("next_step"))
            self.trainee.restore(checkpoint)

    def acquire(self) -> None:
        """From here on the folder and the dictionary belong to this run."""
        self.dictionary.record = self._record
        if not self.finished:
            self.folder.acquire(self.settings)
            self.folder.resume(self.next_step)

    def learn(self, batch: Batch, number: int, began: float) -> dict[str, Any] | None:
        """Do step `number`; the log line where it is due."""
        step = self.trainee.step(batch, number)
        self.next_step = number + 1
        line = None
        if self.next_step % self.config.log_every == 0 or self.next_step == self.config.steps:
            line = {
                "step": self.next_step,
                "rows": self.next_step * self.config.batch,
                "seconds": round(time.monotonic() - began, 3),
                **self.trainee.figures(step),
            }
            self.folder.log(line)
        # Before the checkpoint: a run that goes on from it finds every snapshot up to it.
        if self.next_step in self._kept:
            self.folder.write_snapshot(self.next_step, self.dictionary)
        if self.next_step % self.config.checkpoint_steps == 0:
            counter = torch.tensor(self.next_step)
            self.folder.write_checkpoint({**self.trainee.state(), "next_step": counter})
        return line


def _record(source: Source) -> dict[str, Any]:
    """Where the activations come from, and which of a store's sequences were learnt from."""
    return {
        "model_name": source.model_name,
        "model_hash": source.model_hash,
        "site": source.site,
        "trained_on": provenance(source),
    }


def _selection_dtype(
    config: TrainConfig, dictionary: Dictionary, earlier: dict[str, Any] | None
) -> str:
    """The name of the dtype; a run that goes on keeps the one it began with."""
    if config.selection_dtype != "auto":
        return config.selection_dtype
    if earlier is not None and "selection_dtype" in earlier:
        return str(earlier["selection_dtype"])
    return str(selection_dtype(dictionary.atoms.device)).removeprefix("torch.")


def _settings(
    dictionary: Dictionary, source: Source, config: TrainConfig, path: str, dtype: str
) -> dict[str, Any]:
    """What decides a run's outcome, to tell a run from another."""
    written = dictionary.written()
    del written["record"]
    return {
        "config": config.model_dump(mode="json"),
        "selection_dtype": dtype,
        "dictionary": written,
        "start": _start(dictionary, path),
        "source": {
            "d": source.d,
            "model_hash": source.model_hash,
            "site": source.site,
            "fingerprint": source.fingerprint,
        },
    }


def _start(dictionary: Dictionary, path: str) -> str:
    """A hash of the weights that training into `path` began with.

    It is kept with the object: where a notebook's cell was interrupted and is run again, the same
    object has moved on since.
    """
    starts: dict[str, str] = dictionary.__dict__.setdefault("_starts", {})
    if path not in starts:
        tensors = {name: t.contiguous() for name, t in dictionary.state_dict().items()}
        starts[path] = hashlib.sha256(save_tensors(tensors)).hexdigest()
    return starts[path]
