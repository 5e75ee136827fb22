"""st.sweep_recall: recall of several mixers by number of pairs, beside the size of their states."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch

from sparsetime.config import validated
from sparsetime.errors import ConfigError
from sparsetime.files import locks
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.testbeds.recall.accuracy import recall_accuracy
from sparsetime.testbeds.recall.model import fresh_model
from sparsetime.testbeds.recall.settings import RecallSettings, RecallTask
from sparsetime.testbeds.recall.train import train_recall

if TYPE_CHECKING:
    import pyarrow as pa


@locks("out")
def sweep_recall(
    mixers: Mapping[str, str | Mapping[str, Any]],
    pairs: Sequence[int] = (4, 8, 16),
    seeds: Sequence[int] = (0,),
    out: str | Path | None = None,
    progress: bool = True,
    **settings: Any,
) -> pa.Table:
    """Train the recall testbed's body with each mixer, and measure its recall.

    mixers: by a name of your choice, a kind or a kind with settings. pairs: of the task; a sequence
    is 16 times as long as it has pairs, so that the share of noise is the same. out: a folder in
    which an interrupted sweep resumes; without it, models are not kept. settings: of
    `RecallSettings`, such as steps=400 or d=32; accuracy is of `sequences` held-out sequences.

    Returns a table with a row for each mixer, number of pairs and seed: mixer, pairs, length, seed,
    state (numbers that a stream carries at the end of a sequence), accuracy, near and far (as
    `recall_accuracy`), chance.

    Errors: ConfigError where there is no mixer, for settings out of range, and for a setting that
    the sweep varies; UnknownNameError for a mixer that does not exist.
    """
    import pyarrow as pa

    if not mixers:
        raise ConfigError("got no mixers, expected at least one, such as {'full': 'attention'}")
    varied = sorted({"mixer", "task", "seed", "site"} & settings.keys())
    if varied:
        raise ConfigError(
            f"got {', '.join(varied)} for every model of the sweep, expected other settings; the "
            "sweep sets mixers=, pairs= and seeds=, and captures nothing"
        )
    runs = [
        (name, _settings(mixer, count, seed, settings))
        for count in pairs
        for name, mixer in mixers.items()
        for seed in seeds
    ]
    with torch.device("meta"):  # no mixer is refused after the training of another
        for _, chosen in runs:
            fresh_model(chosen)
    rows = []
    with TemporaryDirectory(prefix="sparsetime-recall-") as temporary:
        folder = temporary if out is None else os.fspath(out)
        for name, chosen in runs:
            task, seed = chosen.task, chosen.seed
            model = train_recall(f"{folder}/{name}-{task.pairs}-{seed}", chosen, progress)
            scores = recall_accuracy(model, task, chosen.sequences, seed)
            rows.append({"mixer": name, **_sizes(model, task, seed), **scores})
    return pa.Table.from_pylist(rows)


def _settings(
    mixer: str | Mapping[str, Any], pairs: int, seed: int, settings: Mapping[str, Any]
) -> RecallSettings:
    task = {"length": 16 * pairs, "pairs": pairs, "keys": 2 * pairs}
    own = {"mixer": mixer if isinstance(mixer, str) else dict(mixer), "task": task, "seed": seed}
    return validated(RecallSettings, {**settings, **own}, "the settings of the sweep")


def _sizes(model: object, task: RecallTask, seed: int) -> dict[str, int]:
    assert isinstance(model, SequenceModel)
    state = model.state_size(task.length)
    return {"pairs": task.pairs, "length": task.length, "seed": seed, "state": state}
