"""Short trainings in temporary folders, without output."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.training.snapshots import read_stages
from sparsetime.training.train import train

# Short trainings need many steps, and large ones are stable. Both were chosen with TopK on tuning
# rows: 100,000 rows then give a lower FVU than 200,000 rows with the defaults of `train`.
_BATCH = 256
_RATE = 0.128  # 4e-3 at width 1,024


def train_briefly(
    dictionary: Dictionary, data: Any, *, rows: int, seed: int, **settings: Any
) -> Dictionary:
    """Trains a dictionary in place with `sparsetime.train`, and returns it.

    data: as `sparsetime.train` takes it. seed: of the order of rows; weights have the dictionary's
    own. settings: fields of `TrainConfig`. By default batches have 256 rows, the learning rate is
    0.128 / sqrt(width), which is 4e-3 at width 1,024, and there are no checkpoints.
    """
    with TemporaryDirectory(prefix="sparsetime-claim-") as folder:
        chosen = _with_defaults(dictionary, settings)
        run = train(dictionary, data, out=folder, show=False, rows=rows, seed=seed, **chosen)
    return run.dictionary


def train_with_snapshots(
    dictionary: Dictionary, data: Any, *, rows: int, seed: int, snapshots: int, **settings: Any
) -> dict[int, Dictionary]:
    """Dictionary by number of rows: at `snapshots` points on the way, and at the end.

    Trains in place, as `train_briefly` does.
    """
    chosen = _with_defaults(dictionary, {**settings, "snapshots": snapshots})
    with TemporaryDirectory(prefix="sparsetime-claim-") as folder:
        train(dictionary, data, out=folder, show=False, rows=rows, seed=seed, **chosen)
        return {stage.rows: stage.load() for stage in read_stages(folder)}


def _with_defaults(dictionary: Dictionary, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "batch": _BATCH,
        "learning_rate": _RATE / dictionary.width**0.5,
        "checkpoint_every": 1 << 40,
        **settings,
    }
