"""Short, quiet trainings that leave nothing behind."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.training.train import train

_BATCH = 1024


def trained(
    dictionary: Dictionary, data: Any, *, rows: int, seed: int, **settings: Any
) -> Dictionary:
    """The dictionary, trained in place by `sparsetime.train` in a temporary folder.

    data: whatever `sparsetime.train` takes. seed: of the order of rows; the dictionary has its own
    for its weights. settings: fields of `TrainConfig`; batches are of 1,024 rows unless they say
    otherwise, and there are no checkpoints.
    """
    chosen = {"batch": _BATCH, "checkpoint_every": 1 << 40, **settings}
    with TemporaryDirectory(prefix="sparsetime-claim-") as folder:
        return train(
            dictionary, data, out=folder, show=False, rows=rows, seed=seed, **chosen
        ).dictionary
