"""Datasource of Ray Data: a read task for each stretch of sequences of a store."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from sparsetime.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

    from sparsetime.activations.store.store import Store

_STEPS = 16_384  # in one block of a read task


def ray_datasource(store: Store, columns: list[str] | None = None) -> Any:
    """A `ray.data.Datasource` of the steps of a store's view, for `ray.data.read_datasource`.

    Each read task opens the store on its own machine, so its path must lead there: a URL, or a file
    system that all machines see. Rows are those of `Store.arrow`.

    Errors: ConfigError where ray is not installed, or for a view of parts of sequences.
    """
    try:
        from ray.data import Datasource, ReadTask  # type: ignore[import-not-found]
        from ray.data.block import BlockMetadata  # type: ignore[import-not-found]
    except ImportError as error:
        raise ConfigError(
            'Ray Data is not installed; install it with pip install "ray[data]"'
        ) from error
    if not store.whole_sequences or store.exclusion:
        raise ConfigError(
            f"got a view of {store.path} that cuts sequences or leaves steps out, expected whole "
            "sequences; give the store, or store.split(...) by document"
        )
    lengths, path, size = store.segments.numpy_lengths, store.path, store.d * 4
    indices = store.sequence_indices

    class StoreDatasource(Datasource):  # type: ignore[misc]
        """Stretches of whole sequences."""

        def estimate_inmemory_data_size(self) -> int:
            return int(lengths.sum()) * size

        def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[Any]:
            tasks = []
            for part in np.array_split(np.arange(len(indices)), min(parallelism, len(indices))):
                rows = int(lengths[part].sum())
                about = BlockMetadata(
                    num_rows=rows, size_bytes=rows * size, input_files=None, exec_stats=None
                )
                tasks.append(
                    ReadTask(functools.partial(read_blocks, path, indices[part], columns), about)
                )
            return tasks

    return StoreDatasource()


def read_blocks(
    path: str, sequences: np.ndarray[Any, Any], columns: list[str] | None
) -> Iterator[pa.Table]:
    """The steps of some sequences of a store, as tables of a bounded size."""
    import pyarrow as pa

    from sparsetime.activations.store.open_store import open_store

    view = open_store(path).of_sequences(sequences)
    for batch in view.arrow(_STEPS, columns):
        yield pa.Table.from_batches([batch])
