"""st.pretrain: train a sequence model on an objective over time, without labels."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast, final

from torch import nn

from sparsetime.config import validated
from sparsetime.errors import ConfigError
from sparsetime.files import locks
from sparsetime.files.folder_url import folder_url
from sparsetime.pretraining.objective import (
    DescribedTerm,
    ModelUnderObjective,
    PretrainingObjective,
    compose_objective,
)
from sparsetime.pretraining.objectives.pretraining_term import PretrainingTerm
from sparsetime.pretraining.pretrain_config import PretrainConfig
from sparsetime.pretraining.pretrain_trainable import PretrainTrainable
from sparsetime.pretraining.pretraining_data import pretraining_data
from sparsetime.pretraining.recipes.card import pretraining_objective
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.torch_settings import with_gradients
from sparsetime.training.job import Job
from sparsetime.training.loop import OnLog, run_jobs
from sparsetime.training.run_folder import RunFolder, read_metrics
from sparsetime.training.start_hash import start_hash


@final
@dataclass(frozen=True, eq=False)
class PretrainingRun:
    """A finished run: its folder, which `st.capture` opens as a model, and the trained model.

    terms: those of the objective, which hold decoders, predictors and learnt masks.
    """

    path: str
    model: SequenceModel
    objective: PretrainingObjective
    terms: tuple[PretrainingTerm, ...]

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl: step, rows (sequences), loss, every term, seconds."""
        return read_metrics(self.path)


@locks("out")
def pretrain(
    model: nn.Module,
    data: Any,
    objective: str | PretrainingObjective | Mapping[str, Any] | Sequence[DescribedTerm],
    *,
    out: str | os.PathLike[str],
    force: bool = False,
    show: bool = True,
    on_log: OnLog | None = None,
    **settings: Any,
) -> PretrainingRun:
    """Train a sequence model in place on sequences without labels: `pretrain(net, x, "ts2vec")`.

    model: a `SequenceModel`. data: a tensor [sequences, steps, ...], several sequences
    [steps, ...], documents with values or tokens, or a store of activations. Hold out by time, or
    by sequence, before: windows are drawn from everything that is given. objective: a recipe of
    kind "pretraining", a `PretrainingObjective`, a term or several. out: the run's folder or URL.
    settings: the fields of `PretrainConfig`. show: a progress bar. on_log: called with the folder
    and each line of metrics.

    An interrupted run resumes from its last checkpoint and ends with the same weights, bit for bit
    on a CPU; a finished one is loaded.

    Errors, all before training: ConfigError for unknown or impossible settings, for what is no
    sequence model, and for a term that does not fit the model; DataError for sequences that cannot
    be read; StoreError where `out` holds another run and `force` is not given.
    """
    if not isinstance(model, SequenceModel):
        raise ConfigError(
            f"got {type(model).__name__} as model, expected a SequenceModel; make one with "
            "st.compose_model, st.sequence_model or pretraining_objective(name).encoder(...)"
        )
    config = validated(PretrainConfig, settings, "the settings of pretrain")
    chosen = _objective(objective)
    sequences = pretraining_data(data, config.window)
    folder = RunFolder(folder_url(out), PretrainTrainable.files, force=force)
    with with_gradients():
        run = {
            "config": config.model_dump(mode="json"),
            "objective": chosen.to_config(),
            "model": {key: one for key, one in model.to_config().items() if key != "provenance"},
            "start": start_hash(model, folder.url, folder.has_weights),
            "data": sequences.fingerprint,
        }
        under = ModelUnderObjective(model, chosen, config.seed)
        batch = sequences.batch(config.batch)
        trainable = PretrainTrainable(model.name, under, config)
        job = Job(trainable, folder, run, config.plan(batch))
        if not job.finished:
            # What does not fit is an error before the folder is written to. In evaluation mode, so
            # that nothing is counted.
            first = next(sequences.batches(batch, config.seed, config.steps, job.next_step))
            under.eval()
            trainable.loss(first, job.next_step)
            under.train()
        model.provenance = {
            **model.provenance,
            "pretraining": {"objective": chosen.to_config(), "data": sequences.fingerprint},
        }
        job.acquire()
        batches = sequences.batches(batch, config.seed, config.steps, job.next_step)
        run_jobs([job], batches, show, "sequences", on_log)
    terms = tuple(cast(PretrainingTerm, term) for term in under.eval().terms)
    return PretrainingRun(folder.url, model, chosen, terms)


def _objective(
    objective: str | PretrainingObjective | Mapping[str, Any] | Sequence[DescribedTerm],
) -> PretrainingObjective:
    if isinstance(objective, PretrainingObjective):
        return objective
    return (
        pretraining_objective(objective)
        if isinstance(objective, str)
        else compose_objective(objective)
    )
