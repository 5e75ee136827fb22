"""The one training loop, for one dictionary or many at once."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, overload

import torch
from safetensors.torch import save as save_tensors
from torch import Tensor

from sparsetime.activations.source import Source, check_width
from sparsetime.activations.tensors import as_source
from sparsetime.config import validated
from sparsetime.dictionaries import saved
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, DataError
from sparsetime.kernels.allocation import keep_freed_memory
from sparsetime.kernels.precision import selection_dtype
from sparsetime.progress import Bar, progress
from sparsetime.training.config import TrainConfig
from sparsetime.training.prefetch import prefetched
from sparsetime.training.run import Run, RunFolder
from sparsetime.training.trainee import Trainee

Path = str | os.PathLike[str]


@overload
def train(
    dictionary: Dictionary,
    source: Any,
    *,
    out: Path,
    force: bool = False,
    show: bool = True,
    **settings: Any,
) -> Run: ...
@overload
def train(
    dictionary: Sequence[Dictionary],
    source: Any,
    *,
    out: Path,
    force: bool = False,
    show: bool = True,
    **settings: Any,
) -> list[Run]: ...
def train(
    dictionary: Dictionary | Sequence[Dictionary],
    source: Any,
    *,
    out: Path,
    force: bool = False,
    show: bool = True,
    **settings: Any,
) -> Run | list[Run]:
    """Train a dictionary, or several in one pass over the same batches.

    source: a store, a split of one, a tensor [rows, d] or [sequences, time, d], or an iterator of
    batches. out: the run's folder or URL; several dictionaries get `out/<name>` each, numbered
    where names repeat. settings: the fields of `TrainConfig`. show: a progress bar.

    The dictionaries are trained in place. A run that was interrupted goes on from its last
    checkpoint and ends with the same weights, bit for bit on a CPU; a finished one is loaded.
    Trained together, each ends exactly as if it had been trained alone.

    Errors, all before training: ConfigError for unknown or impossible settings; MismatchError
    where widths differ; StoreError where `out` holds another run and `force` is not given.
    """
    config = validated(TrainConfig, settings, "the settings of train")
    several = not isinstance(dictionary, Dictionary)
    members = list(dictionary) if isinstance(dictionary, Sequence) else [dictionary]
    if not members:
        raise ConfigError("no dictionaries were given to train")
    activations = as_source(source)
    for member in members:
        check_width(activations, member.d_in)
    paths = _paths(members, os.fspath(out)) if several else [os.fspath(out)]
    learners = [
        _Learner(member, activations, config, path, force)
        for member, path in zip(members, paths, strict=True)
    ]
    for needs in ("rows", "pairs"):
        unfinished = [one for one in learners if not one.finished and one.dictionary.needs == needs]
        if unfinished:
            _run(unfinished, activations, config, show)
    runs = [Run(one.path, one.dictionary.eval()) for one in learners]
    return runs if several else runs[0]


class _Learner:
    """A dictionary on its way through a run, with its folder and where it stands."""

    def __init__(
        self, dictionary: Dictionary, source: Source, config: TrainConfig, path: str, force: bool
    ) -> None:
        self.dictionary = dictionary
        self.path = path
        self.config = config
        self.folder = RunFolder(path, _settings(dictionary, source, config), force)
        self.finished = self.folder.is_finished
        self.next_step = 0
        dictionary.record = {
            "model_name": source.model_name,
            "model_hash": source.model_hash,
            "site": source.site,
        }
        if self.finished:
            dictionary.load_state_dict(saved.load(path).state_dict())
            return
        device = dictionary.atoms.device
        chosen = config.selection_dtype
        dtype = selection_dtype(device) if chosen == "auto" else getattr(torch, chosen)
        self.trainee = Trainee(dictionary, config, dtype)
        checkpoint = self.folder.checkpoint()
        if checkpoint is not None:
            self.next_step = int(checkpoint.pop("next_step"))
            self.trainee.restore(checkpoint)
        self.folder.resume_log(self.next_step)

    def learn(self, batch: Tensor, number: int, began: float) -> dict[str, Any] | None:
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
        if self.next_step % self.config.checkpoint_steps == 0:
            counter = torch.tensor(self.next_step)
            self.folder.write_checkpoint({**self.trainee.state(), "next_step": counter})
        return line


def _run(learners: list[_Learner], source: Source, config: TrainConfig, show: bool) -> None:
    """Train those that want the same kind of batch, each from where it stands."""
    keep_freed_memory()
    first = min(one.next_step for one in learners)
    names = ", ".join(one.dictionary.name for one in learners)
    began = time.monotonic()
    with (
        prefetched(_batches(learners[0].dictionary.needs, source, config, first)) as ready,
        progress(f"train {names}", config.steps * config.batch, "rows", show) as bar,
    ):
        bar.advance(first * config.batch)
        batches = ready
        if first == 0:
            sample = _first(ready)
            for one in learners:
                if one.next_step == 0:
                    one.dictionary.fit_start(sample.flatten(0, -2))
            batches = chain([sample], ready)
        done = first
        for number, batch in zip(range(first, config.steps), batches, strict=False):
            lines = [one.learn(batch, number, began) for one in learners if one.next_step == number]
            _tell(bar, lines)
            bar.advance(config.batch)
            done = number + 1
    if done < config.steps:
        raise DataError(
            f"the batches ended after step {done} of {config.steps}; give more of them, or ask "
            f"for fewer rows than {config.rows}"
        )
    for one in learners:
        one.folder.finish(one.dictionary)


def _batches(needs: str, source: Source, config: TrainConfig, skip: int) -> Iterator[Tensor]:
    if needs == "pairs":
        return source.pairs(config.batch, lag=config.lag, seed=config.seed, epochs=None, skip=skip)
    return source.rows(config.batch, seed=config.seed, epochs=None, skip=skip)


def _first(batches: Iterator[Tensor]) -> Tensor:
    try:
        return next(batches)
    except StopIteration:
        raise DataError("the source gave no batches; is it empty?") from None


def _tell(bar: Bar, lines: list[dict[str, Any] | None]) -> None:
    figures = [f"{line['fvu']:.3f}" for line in lines if line]
    if figures:
        bar.say(f"fvu {' '.join(figures)}")


def _paths(members: list[Dictionary], out: str) -> list[str]:
    names = [member.name for member in members]
    return [
        f"{out}/{name}" if names.count(name) == 1 else f"{out}/{name}_{names[:at].count(name)}"
        for at, name in enumerate(names)
    ]


def _settings(dictionary: Dictionary, source: Source, config: TrainConfig) -> dict[str, Any]:
    """What decides a run's outcome, to tell a run from another."""
    written = dictionary.written()
    del written["record"]
    tensors = {name: t.contiguous() for name, t in dictionary.state_dict().items()}
    return {
        "config": config.model_dump(),
        "dictionary": written,
        "start": hashlib.sha256(save_tensors(tensors)).hexdigest(),
        "source": {"d": source.d, "model_hash": source.model_hash, "site": source.site},
    }
