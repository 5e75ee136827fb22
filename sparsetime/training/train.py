"""st.train: train one dictionary, or several in one pass over the same batches."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, overload

import torch

from sparsetime.activations.sampling.batch import Batch
from sparsetime.activations.sampling.batching import (
    BatchSource,
    batches,
    check_source_fields,
    with_shuffle_buffer,
)
from sparsetime.activations.sources.as_source import as_source
from sparsetime.activations.sources.source import Source, check_model, check_width
from sparsetime.activations.step_exclusion import EXCLUDED, ExcludingSource, without_steps
from sparsetime.activations.store.provenance import provenance
from sparsetime.config import validated
from sparsetime.dictionaries.check_input import check_float32
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.files import folder_lock
from sparsetime.files.folder_url import folder_url
from sparsetime.torch_settings import with_gradients
from sparsetime.training.config import TrainConfig
from sparsetime.training.dictionary_trainable import DictionaryTrainable
from sparsetime.training.job import Job
from sparsetime.training.loop import OnLog, first_step, run_jobs
from sparsetime.training.processes import ONE, Processes
from sparsetime.training.run_folder import Run, RunFolder
from sparsetime.training.run_settings import (
    run_settings,
    selection_dtype_name,
    shuffle_buffer_size,
    upgrade_run_settings,
)
from sparsetime.training.trained_parameters import trained_parameters

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh

Path = str | os.PathLike[str]


@overload
def train(
    dictionary: Dictionary,
    source: Any,
    *,
    out: Path,
    force: bool = False,
    show: bool = True,
    mesh: DeviceMesh | None = None,
    on_log: OnLog | None = None,
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
    mesh: DeviceMesh | None = None,
    on_log: OnLog | None = None,
    **settings: Any,
) -> list[Run]: ...
def train(
    dictionary: Dictionary | Sequence[Dictionary],
    source: Any,
    *,
    out: Path,
    force: bool = False,
    show: bool = True,
    mesh: DeviceMesh | None = None,
    on_log: OnLog | None = None,
    **settings: Any,
) -> Run | list[Run]:
    """Train a dictionary, or several in one pass over the same batches.

    source: a store, a split of one, a tensor [rows, d] or [sequences, time, d], tensors by name
    (`{"x": ..., "target": ...}`), `sparsetime.paired_sites` stores, or an iterator of batches.
    out: the run's folder or URL; several dictionaries get `out/<name>` each, numbered where names
    repeat. settings: the fields of `TrainConfig`. show: a progress bar. mesh: a mesh of
    torch.distributed with the dimensions "data" and "latent", on every process of which this is
    called with the same arguments: the latents are divided along one, the rows of a batch along the
    other, and the result is that of one process. `out` is a folder that all of them see. on_log:
    called with a run's folder and each new line of its metrics, for TensorBoard and the like.

    The dictionaries are trained in place, with gradients and in float32, also where the caller
    turned gradients off or set another default dtype. Frozen parameters keep their values. An
    interrupted run resumes from its last checkpoint and ends with the same weights, bit for bit on
    a CPU; a finished one is loaded. Trained together, each ends exactly as if it had been trained
    alone.

    Errors, all before training: ConfigError for unknown or impossible settings, for an `out` that
    is no path, and for a dictionary of which no parameter can learn; DataError where the source
    cannot give what a dictionary needs; MismatchError where widths differ; StoreError where `out`
    holds another run and `force` is not given, or another process writes to it; ProcessError where
    processes have other code, data or settings, or end.
    """
    as_list = not isinstance(dictionary, Dictionary)
    members = list(dictionary) if isinstance(dictionary, Sequence) else [dictionary]
    if not members:
        raise ConfigError("got no dictionaries, expected at least one to train")
    config = validated(TrainConfig, settings, "the settings of train")
    url = folder_url(out)
    paths = _paths(members, url) if as_list else [url]
    processes = ONE if mesh is None else _processes(mesh)
    with ExitStack() as stack:
        with processes.together():
            # A finished run is only read.
            unfinished = [
                processes.folder(path)
                for path in paths
                if not RunFolder(path, DictionaryTrainable.files, force=force).is_finished
            ]
            if processes.writes:
                stack.enter_context(folder_lock(*unfinished, what="sparsetime train"))
        stack.enter_context(with_gradients())
        runs = _train(members, source, config, paths, force, show, processes, on_log)
    return runs if as_list else runs[0]


def _processes(mesh: DeviceMesh) -> Processes:
    from sparsetime.training.distributed.mesh_processes import MeshProcesses

    return MeshProcesses(mesh)


def _train(
    members: list[Dictionary],
    source: Any,
    config: TrainConfig,
    paths: list[str],
    force: bool,
    show: bool,
    processes: Processes,
    on_log: OnLog | None,
) -> list[Run]:
    with processes.together():
        activations = without_steps(as_source(source), config.exclusion)
        for member in members:
            _check_fit(member, activations)
        folders = [
            RunFolder(path, DictionaryTrainable.files, upgrade_run_settings, force, processes)
            for path in paths
        ]
        measured = [
            (
                selection_dtype_name(
                    config, processes.device(member), member.width, folder.settings
                ),
                shuffle_buffer_size(config, folder.settings),
            )
            for member, folder in zip(members, folders, strict=True)
        ]
    # What a machine measured of itself may differ between them.
    measured = processes.of_first(measured)
    with processes.together():
        jobs = [
            _job(member, activations, config, folder, dtype, size, processes)
            for member, folder, (dtype, size) in zip(members, folders, measured, strict=True)
        ]
        by_needs: dict[tuple[frozenset[str], int], list[Job[Batch]]] = {}
        for member, job in zip(members, jobs, strict=True):
            key = (member.needs, job.settings["shuffle_buffer"])
            by_needs.setdefault(key, []).append(job)
        # Batches are made before any folder is written to: a sampler fails at once where it cannot
        # give what is needed.
        groups = [
            (group, _batches(with_shuffle_buffer(activations, size), needs, config, group))
            for (needs, size), group in by_needs.items()
        ]
    facts = [{**job.settings, "next step": job.next_step, "finished": job.finished} for job in jobs]
    processes.check_equal(facts[0] if len(facts) == 1 else dict(zip(paths, facts, strict=True)))
    for member, job in zip(members, jobs, strict=True):
        member.provenance = _provenance(activations)
        if not job.finished:
            processes.check_folder(job.folder.url)
        job.acquire()
    for group, group_batches in groups:
        logged = on_log if processes.writes else None
        run_jobs(group, group_batches, show and processes.writes, on_log=logged)
    return [Run(path, member.eval()) for member, path in zip(members, paths, strict=True)]


def _job(
    dictionary: Dictionary,
    source: Source,
    config: TrainConfig,
    folder: RunFolder,
    dtype: str,
    shuffle_buffer: int,
    processes: Processes,
) -> Job[Batch]:
    # Before the job, which may restore a checkpoint: they hold a hash of the initial weights.
    settings = run_settings(
        dictionary, source, config, folder.url, dtype, shuffle_buffer, folder.has_weights
    )
    division = processes.division(dictionary, source.fingerprint)
    trainable = DictionaryTrainable(dictionary, config, getattr(torch, dtype), division)
    return Job(trainable, folder, settings, config.plan)


def _batches(
    source: Source, needs: frozenset[str], config: TrainConfig, jobs: Sequence[Job[Batch]]
) -> Iterator[Batch]:
    """Batches for jobs with the same needs, from the earliest of their next steps on."""
    if all(job.finished for job in jobs):
        return iter(())
    return batches(
        source,
        needs,
        config.batch,
        lag=config.lag,
        window=config.window,
        seed=config.seed,
        epochs=None,
        skip=first_step(jobs),
    )


def _provenance(source: Source) -> dict[str, Any]:
    """Model, site and training data: where a dictionary's activations come from."""
    exclusion = source.excluded if isinstance(source, ExcludingSource) else None
    excluded = {EXCLUDED: exclusion.to_config()} if exclusion else {}
    return {
        "model_name": source.model_name,
        "model_hash": source.model_hash,
        "site": source.site,
        "trained_on": provenance(source),
        **excluded,
    }


def _paths(members: list[Dictionary], out: str) -> list[str]:
    names = [member.name for member in members]
    return [
        f"{out}/{name}" if names.count(name) == 1 else f"{out}/{name}_{names[:i].count(name)}"
        for i, name in enumerate(names)
    ]


def _check_fit(dictionary: Dictionary, source: Source) -> None:
    """Width, and the model and site of an earlier training: no dictionary can serve two."""
    trained_parameters(dictionary, f"the dictionary {dictionary.name!r}")
    check_float32(dictionary.normalisation.scale)
    check_width(source, dictionary.d_in)
    check_source_fields(source, dictionary.needs, f"the dictionary {dictionary.name!r}")
    if dictionary.out_dims is not None and isinstance(source, BatchSource):
        width = source.field_widths["target"]
        if width != dictionary.d_out:
            raise MismatchError(
                f"the dictionary {dictionary.name!r} writes activations of width "
                f"{dictionary.d_out}, the source's target has width {width}"
            )
    check_model(source, dictionary.provenance.get("model_hash"))
    site = dictionary.provenance.get("site")
    if site is not None and source.site is not None and site != source.site:
        raise MismatchError(
            f"the dictionary was trained on the site {site!r}, the source gives {source.site!r}; "
            "make a fresh dictionary for another site"
        )
