"""StoreDataset: shuffled batches of a store for a DataLoader of PyTorch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Protocol, final

import numpy as np
import torch.distributed as dist
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from sparsetime.errors import ConfigError, DataError


class SequenceStore(Protocol):
    """What a StoreDataset reads of a store."""

    path: str
    sequence_indices: NDArray[np.int64]

    def of_sequences(self, places: NDArray[np.int64]) -> SequenceStore: ...

    def rows(
        self, batch: int, seed: int = 0, *, memory: str | int | None = None
    ) -> Iterator[Tensor]: ...


@final
class StoreDataset(IterableDataset[Any]):
    """Batches of shuffled rows, float32 [batch, d], every row once an epoch.

    Give it to `DataLoader(dataset, batch_size=None, num_workers=…)`: batches are made here. The
    workers of a DataLoader, and the processes of a process group, share the sequences among them:
    worker w of W has the sequences w, w + W, …, and shuffles those. So they may have unequal
    numbers of batches. `set_epoch(n)` gives the order of another epoch.

    Errors, in a worker: DataError where there are fewer sequences than workers; ConfigError for a
    remote store in a worker that was forked.
    """

    def __init__(
        self, store: SequenceStore, batch: int, seed: int, memory: str | int | None
    ) -> None:
        self._store, self._batch, self._seed, self._memory = store, batch, seed, memory
        self._epoch = 0
        self._process = os.getpid()

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the epoch that the next iteration is."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[Float[Tensor, "batch d"]]:
        worker = get_worker_info()
        in_group = dist.is_available() and dist.group.WORLD is not None
        rank, ranks = (dist.get_rank(), dist.get_world_size()) if in_group else (0, 1)
        own, workers = (worker.id, worker.num_workers) if worker is not None else (0, 1)
        if self._process != os.getpid() and "://" in self._store.path:
            raise ConfigError(
                f"{self._store.path} is remote, and this worker was forked from a process that "
                "reads it, which its connections do not survive; give the DataLoader "
                "multiprocessing_context='spawn'"
            )
        count = len(self._store.sequence_indices)
        places = np.arange(rank * workers + own, count, ranks * workers)
        if not len(places):
            raise DataError(
                f"{self._store.path} shows {count} sequences, fewer than the {ranks * workers} "
                "workers that share them; use fewer workers"
            )
        part = self._store.of_sequences(places)
        seed = self._seed + self._epoch
        return part.rows(self._batch, seed=seed, memory=self._memory)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore it in a process that was spawned, which opens its own connections."""
        vars(self).update(state, _process=os.getpid())
