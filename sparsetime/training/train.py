"""The one training loop, for one dictionary or many at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, overload

from sparsetime.activations.sampling.batch import Batch
from sparsetime.activations.sampling.batching import BatchSource, batches, check_source_fields
from sparsetime.activations.sampling.prefetch import prefetched
from sparsetime.activations.sources.as_source import as_source
from sparsetime.activations.sources.source import Source, check_model, check_width
from sparsetime.config import validated
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.initialise import fit_start
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.kernels.malloc import keep_freed_memory
from sparsetime.progress import Bar, progress
from sparsetime.training.config import TrainConfig
from sparsetime.training.job import Job
from sparsetime.training.run_folder import Run

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

    source: a store, a split of one, a tensor [rows, d] or [sequences, time, d], tensors by name
    (`{"x": ..., "target": ...}`), `sparsetime.paired_sites` stores, or an iterator of batches.
    out: the run's folder or URL; several dictionaries get `out/<name>` each, numbered where names
    repeat. settings: the fields of `TrainConfig`. show: a progress bar.

    The dictionaries are trained in place. A run that was interrupted goes on from its last
    checkpoint and ends with the same weights, bit for bit on a CPU; a finished one is loaded.
    Trained together, each ends exactly as if it had been trained alone.

    Errors, all before training: ConfigError for unknown or impossible settings; DataError where
    the source cannot give what a dictionary needs; MismatchError where widths differ; StoreError
    where `out` holds another run and `force` is not given.
    """
    config = validated(TrainConfig, settings, "the settings of train")
    several = not isinstance(dictionary, Dictionary)
    members = list(dictionary) if isinstance(dictionary, Sequence) else [dictionary]
    if not members:
        raise ConfigError("no dictionaries were given to train")
    activations = as_source(source)
    for member in members:
        _check_fit(member, activations)
    paths = _paths(members, os.fspath(out)) if several else [os.fspath(out)]
    jobs = [
        Job(member, activations, config, path, force)
        for member, path in zip(members, paths, strict=True)
    ]
    groups = [
        _Group([one for one in jobs if one.dictionary.needs == needs], activations, config)
        for needs in dict.fromkeys(one.dictionary.needs for one in jobs)
    ]
    for one in jobs:
        one.acquire()
    for group in groups:
        group.run(show)
    runs = [Run(one.path, one.dictionary.eval()) for one in jobs]
    return runs if several else runs[0]


class _Group:
    """Those that want the same kind of batch, each from where it stands."""

    def __init__(self, jobs: list[Job], source: Source, config: TrainConfig) -> None:
        self._jobs = [one for one in jobs if not one.finished]
        self._config = config
        self._first = min((one.next_step for one in self._jobs), default=0)
        # Made here, before any folder is written to: a sampler says at once what it cannot do.
        self._batches = (
            batches(
                source,
                self._jobs[0].dictionary.needs,
                config.batch,
                lag=config.lag,
                window=config.window,
                seed=config.seed,
                epochs=None,
                skip=self._first,
            )
            if self._jobs
            else iter(())
        )

    def run(self, show: bool) -> None:
        """Train all of them to the end."""
        if not self._jobs:
            return
        keep_freed_memory()
        config, first = self._config, self._first
        names = ", ".join(one.dictionary.name for one in self._jobs)
        began = time.monotonic()
        done = first
        with (
            prefetched(self._batches) as ready,
            progress(f"train {names}", config.steps * config.batch, "rows", show) as bar,
        ):
            bar.advance(first * config.batch)
            given = ready if first else self._started(ready)
            for number, batch in zip(range(first, config.steps), given, strict=False):
                due = [one for one in self._jobs if one.next_step == number]
                _tell(bar, [one.learn(batch, number, began) for one in due])
                bar.advance(config.batch)
                done = number + 1
        if done < config.steps:
            raise DataError(
                f"the batches ended after step {done} of {config.steps}; give more of them, or "
                f"ask for fewer rows than {config.rows}"
            )
        for one in self._jobs:
            one.folder.finish(one.dictionary)

    def _started(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The same batches, after the first of them has set scales and offsets."""
        sample = _first(batches)
        for one in self._jobs:
            if one.next_step == 0:
                fit_start(one.dictionary, sample)
        return chain([sample], batches)


def _first(batches: Iterator[Batch]) -> Batch:
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


def _check_fit(dictionary: Dictionary, source: Source) -> None:
    """Width, and the model and site of an earlier training: no dictionary can serve two."""
    check_width(source, dictionary.d_in)
    check_source_fields(source, dictionary.needs, f"the dictionary {dictionary.name!r}")
    if dictionary.writes is not None and isinstance(source, BatchSource):
        given = source.field_widths["target"]
        if given != dictionary.d_out:
            raise MismatchError(
                f"the dictionary {dictionary.name!r} writes activations of width "
                f"{dictionary.d_out}, the source's target has width {given}"
            )
    check_model(source, dictionary.record.get("model_hash"))
    site = dictionary.record.get("site")
    if site is not None and source.site is not None and site != source.site:
        raise MismatchError(
            f"the dictionary was trained on the site {site!r}, the source gives {source.site!r}; "
            "make a fresh dictionary for another site"
        )
