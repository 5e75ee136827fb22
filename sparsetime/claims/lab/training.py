"""Short, quiet trainings that leave nothing behind."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.training.snapshots import read_stages
from sparsetime.training.train import train

# Short trainings need many steps and bear large ones. Both were chosen on TopK, on tuning rows:
# 100,000 rows so leave less unexplained than 200,000 of them with the defaults of `train`.
_BATCH = 256
_RATE = 0.128  # 4e-3 at width 1,024


def train_briefly(
    dictionary: Dictionary, data: Any, *, rows: int, seed: int, **settings: Any
) -> Dictionary:
    """The dictionary, trained in place by `sparsetime.train` in a temporary folder.

    data: whatever `sparsetime.train` takes. seed: of the order of rows; the dictionary has its own
    for its weights. settings: fields of `TrainConfig`. Unless they say otherwise, batches are of
    256 rows, the learning rate is 4e-3 at width 1,024 and falls with the square root of the width,
    and there are no checkpoints.
    """
    with TemporaryDirectory(prefix="sparsetime-claim-") as folder:
        chosen = _chosen(dictionary, settings)
        run = train(dictionary, data, out=folder, show=False, rows=rows, seed=seed, **chosen)
    return run.dictionary


def train_with_snapshots(
    dictionary: Dictionary, data: Any, *, rows: int, seed: int, snapshots: int, **settings: Any
) -> dict[int, Dictionary]:
    """What the dictionary was after so many rows, `snapshots` times on the way, and at the end.

    Trained as `train_briefly` does, in place.
    """
    chosen = _chosen(dictionary, {**settings, "snapshots": snapshots})
    with TemporaryDirectory(prefix="sparsetime-claim-") as folder:
        train(dictionary, data, out=folder, show=False, rows=rows, seed=seed, **chosen)
        return {stage.rows: stage.load() for stage in read_stages(folder)}


def _chosen(dictionary: Dictionary, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "batch": _BATCH,
        "learning_rate": _RATE / dictionary.width**0.5,
        "checkpoint_every": 1 << 40,
        **settings,
    }
