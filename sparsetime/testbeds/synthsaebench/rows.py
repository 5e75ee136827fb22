"""Rows of SynthSAEBench as a source of activations: drawn while they are used, never stored."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.sampling.shuffle import check_batches
from sparsetime.errors import ConfigError, DataError
from sparsetime.testbeds.synthsaebench.world import ROWS_OF_BLOCK, SynthSAEBench

# Blocks that wait while a batch is used. More would only take memory.
_BLOCKS_AHEAD = 4


@final
class SynthSAEBenchRows:
    """`number` rows of one part of a world, for `sparsetime.train`: independent, so never shuffled.

    The order is that of the blocks, whatever the seed; an epoch is the same rows again. Parts of
    different names share no rows.

    Errors: ConfigError for a number below 1.
    """

    model_name: str | None = None
    model_hash: str | None = None
    site: str | None = None

    def __init__(self, world: SynthSAEBench, number: int, part: str = "train") -> None:
        if number < 1:
            raise ConfigError(f"got {number} rows of SynthSAEBench, expected at least 1")
        self.world, self.part = world, part
        self.d: int = world.settings.d
        self._number = number

    def __len__(self) -> int:
        return self._number

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the settings, the part and the number of rows, as hex."""
        settings = self.world.settings.model_dump_json()
        return hashlib.sha256(f"{settings} {self.part} {self._number}".encode()).hexdigest()

    def rows(
        self, batch: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch d"]]:
        """Batches of rows, drawn by as many threads as torch uses."""
        check_batches(batch, epochs, skip)
        return self._batches(batch, epochs, skip * batch)

    def pairs(self, batch: int, lag: Any = 1, **_: Any) -> Iterator[Tensor]:
        """Errors: DataError, since the rows have no order of time."""
        raise _no_time("pairs")

    def windows(self, batch: int, length: int, **_: Any) -> Iterator[tuple[Tensor, Tensor]]:
        """Errors: DataError, since the rows have no order of time."""
        raise _no_time("windows")

    def _batches(self, batch: int, epochs: int | None, first: int) -> Iterator[Tensor]:
        end = None if epochs is None else epochs * self._number
        waiting, ready = [], 0
        for piece in self._pieces(first, end):
            waiting.append(piece)
            ready += len(piece)
            while ready >= batch:
                rows = torch.cat(waiting) if len(waiting) > 1 else waiting[0]
                yield rows[:batch]
                waiting, ready = [rows[batch:]], ready - batch
        if ready:
            yield torch.cat(waiting)

    def _pieces(self, first: int, end: int | None) -> Iterator[Tensor]:
        """Rows from `first` to `end` over all epochs, in pieces of at most a block."""
        blocks = -(-self._number // ROWS_OF_BLOCK)
        epoch, within = divmod(first, self._number)
        block, skip = divmod(within, ROWS_OF_BLOCK)
        at = epoch * self._number + block * ROWS_OF_BLOCK
        order = (number % blocks for number in count(block))
        with ThreadPoolExecutor(torch.get_num_threads(), "sparsetime-synthsaebench") as threads:
            ahead: deque[tuple[int, Future[Tensor]]] = deque()
            while end is None or at < end:
                while len(ahead) < _BLOCKS_AHEAD:
                    number = next(order)
                    ahead.append((number, threads.submit(self._block, number)))
                number, drawn = ahead.popleft()
                size = min(ROWS_OF_BLOCK, self._number - number * ROWS_OF_BLOCK)
                rows = drawn.result()[skip:size]
                yield rows if end is None else rows[: end - at - skip]
                at, skip = at + size, 0
            for _, drawn in ahead:
                drawn.cancel()

    def _block(self, number: int) -> Tensor:
        return self.world.activations(self.world.code(number, self.part))


def _no_time(kind: str) -> DataError:
    return DataError(
        f"{kind} need the order of time, and rows of SynthSAEBench have none. "
        "Train a recipe that needs rows alone, or use another testbed"
    )
