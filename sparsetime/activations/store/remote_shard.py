"""RemoteShard: rows of one shard of a remote store, by ranges of bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from sparsetime.activations.store.manifest import (
    ACTIVATIONS_FILE,
    BLOCKS_FILE,
    TENSOR,
    ShardRecord,
)
from sparsetime.errors import DamagedError
from sparsetime.files import Folder
from sparsetime.files.block_cache import BlockCache
from sparsetime.files.remote_blocks import RemoteBlocks

_LENGTH = 8  # bytes of the length of a safetensors header, which stands first


@final
class RemoteShard:
    """The activations of a shard, whose rows are contiguous in its file: a range for each run.

    The file of checksums beside the activations is read first and compared with the manifest's
    SHA-256; every block that is fetched is compared with its CRC-32.

    Errors: those of `RemoteBlocks`; DamagedError where the file is no safetensors file of these
    activations.
    """

    def __init__(
        self,
        folder: Folder,
        shard: ShardRecord,
        shape: tuple[int, int],
        dtype: torch.dtype,
        cache: BlockCache | None,
    ) -> None:
        name = shard.path(ACTIVATIONS_FILE)
        record = folder.read_json(shard.path(BLOCKS_FILE), 1)
        self._where = f"{folder.url}/{name}"
        self._blocks = RemoteBlocks(
            folder, name, record, shard.files[ACTIVATIONS_FILE].sha256, cache
        )
        self._shape, self._dtype = shape, dtype
        self._row = shape[1] * dtype.itemsize
        self._first = self._start_of_rows()

    def prefetch(self, at: NDArray[np.int64]) -> None:
        """Begin to fetch rows `at` (ascending)."""
        if len(at):
            self._blocks.prefetch(self._spans(at))

    def rows(self, at: NDArray[np.int64]) -> Float[Tensor, "some d"]:
        """Rows `at` (ascending, distinct)."""
        self.prefetch(at)
        rows = torch.empty(len(at), self._shape[1], dtype=self._dtype)
        bytes_of_rows = rows.view(torch.uint8).numpy().data.cast("B")
        filled = 0
        for start, stop in self._spans(at):
            self._blocks.read_into(bytes_of_rows[filled : filled + stop - start], start)
            filled += stop - start
        return rows

    def _spans(self, at: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """Bytes of each run of neighbouring rows."""
        edges = np.flatnonzero(np.diff(at) != 1) + 1
        for begin, end in zip([0, *edges], [*edges, len(at)], strict=True):
            yield (
                self._first + int(at[begin]) * self._row,
                self._first + (int(at[end - 1]) + 1) * self._row,
            )

    def _start_of_rows(self) -> int:
        """The first byte of the first row. Errors: DamagedError for other activations."""
        try:
            length = int.from_bytes(self._blocks.read(0, _LENGTH), "little")
            header = json.loads(self._blocks.read(_LENGTH, _LENGTH + length))[TENSOR]
            begin, end = header["data_offsets"]
            shape, dtype = tuple(header["shape"]), _dtype(header["dtype"])
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise DamagedError(
                f"{self._where} is not a safetensors file with a tensor {TENSOR!r}: {error!r}"
            ) from error
        size = int(np.prod(self._shape)) * self._dtype.itemsize
        if (shape, dtype, end - begin) != (self._shape, self._dtype, size):
            raise DamagedError(
                f"{self._where} holds {dtype} {list(shape)}; the manifest says {self._dtype} "
                f"{list(self._shape)}"
            )
        return _LENGTH + length + int(begin)


def _dtype(name: str) -> Any:
    return {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}[name]
