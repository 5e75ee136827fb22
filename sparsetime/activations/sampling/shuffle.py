"""Block shuffle: shuffled batches of ordered rows in bounded memory, reproducible by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.sampling.buffer_bytes import buffer_bytes
from sparsetime.activations.sampling.sample_index import SampleIndex
from sparsetime.activations.sampling.sample_kinds import Integers, SampleKind
from sparsetime.activations.sources.source import PrefetchingReader, RowReader
from sparsetime.errors import ConfigError
from sparsetime.segments import Segments

# A buffer smaller than the data is filled with blocks of _BLOCK_ROWS rows, or fewer where it would
# then hold fewer than _BLOCKS. Blocks are long enough for sequential reads at the disk's speed,
# and short enough that a batch mixes many places of the store.
_BLOCK_ROWS, _BLOCKS, _LEAST_ROWS = 1024, 256, 16
_ORDER_BYTES = 40  # memory of the permutation and its construction, per row


@dataclass(frozen=True)
class Pool:
    """Samples that share a memory buffer once loaded, in their shuffled order."""

    kind: SampleKind
    size: int
    load: Callable[[], tuple[Float[Tensor, "rows d"], Int[Tensor, " n"], Int[Tensor, " n"]]]


def rebatch(pools: Iterable[Pool], batch: int, skip: int = 0) -> Iterator[tuple[Tensor, ...]]:
    """Batches of exactly `batch` samples across pools; the last may be smaller.

    The first `skip` samples are left out; pools within them are never loaded.
    """
    parts: list[tuple[Tensor, ...]] = []
    missing = batch
    for pool in pools:
        start = min(skip, pool.size)
        skip -= start
        if start == pool.size:
            continue
        buffer, first, stops = pool.load()
        while start < pool.size:
            stop = min(start + missing, pool.size)
            parts.append(pool.kind.gather(buffer, first[start:stop], stops[start:stop]))
            missing -= stop - start
            start = stop
            if missing == 0:
                yield _join(parts)
                parts, missing = [], batch
        del buffer  # the next pool may fill the same memory
    if parts:
        yield _join(parts)


def check_batches(batch: int, epochs: int | None, skip: int) -> None:
    """Errors: ConfigError for a batch, epochs or a skip that no source can give."""
    if batch < 1:
        raise ConfigError(f"got batch={batch}, expected a number of samples of at least 1")
    if epochs is not None and epochs < 1:
        raise ConfigError(f"got epochs={epochs}, expected at least 1, or None for endless")
    if skip < 0:
        raise ConfigError(f"got skip={skip}, expected a number of batches of at least 0")


class Shuffle:
    """A shuffled order of samples, epoch after epoch, as a function of `seed` and `memory`.

    Where all rows fit into `memory` (bytes, or "512MB"; None: see `buffer_bytes`), an epoch is a
    uniformly random order of all samples. Otherwise blocks of up to 1024 neighbouring rows are
    drawn in random order until `memory` is full, and their samples are shuffled uniformly. Samples
    of one block stay near each other in the order; the rest is random. Only the last batch of the
    last epoch may be smaller than the others.

    segments, first_rows: as in `SampleIndex`.

    Errors: DataError where there is nothing to sample; ConfigError for settings out of range.
    """

    def __init__(
        self,
        kind: SampleKind,
        reader: RowReader,
        segments: Segments,
        seed: int = 0,
        memory: str | int | None = None,
        first_rows: Integers | None = None,
    ) -> None:
        if seed < 0:
            raise ConfigError(f"got seed={seed}, expected a number of at least 0")
        self._samples = SampleIndex(kind, segments, first_rows)
        self._kind, self._reader, self._seed = kind, reader, seed
        row = reader.d * reader.dtype.itemsize + _ORDER_BYTES
        self._capacity = max(buffer_bytes(memory) // row, kind.reach)
        self._whole = reader.in_memory or self._samples.rows <= self._capacity
        self._resident: Tensor | None = None
        self._space: Tensor | None = None

    @property
    def count(self) -> int:
        """Samples in an epoch."""
        return self._samples.count

    def batches(
        self, batch: int, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[tuple[Tensor, ...]]:
        """Batches over `epochs` epochs (None: endless), without the first `skip` of them."""
        check_batches(batch, epochs, skip)
        skipped_epochs, rest = divmod(skip * batch, self.count)
        remaining = count(skipped_epochs) if epochs is None else range(skipped_epochs, epochs)
        pools = (pool for epoch in remaining for pool in self.pools(epoch))
        return rebatch(pools, batch, rest)

    def pools(self, epoch: int) -> Iterator[Pool]:
        """One epoch, in pools that fit into memory one at a time.

        The rows of a pool are valid until the next pool is loaded: all pools share one buffer.
        """
        samples = self._samples
        if self._whole:
            yield Pool(self._kind, samples.count, partial(self._load_whole, epoch))
            return
        rows = max(_LEAST_ROWS, min(_BLOCK_ROWS, self._capacity // _BLOCKS))
        size = max(1, rows // self._kind.stride)
        begins = np.arange(0, samples.count, size)
        ends = np.minimum(begins + size, samples.count)
        order = torch.randperm(len(begins), generator=self._generator(epoch, 0)).numpy()
        low = samples.locate(begins)[0]
        last, stops = samples.locate(ends - 1)
        # A block reads from its first sample's first row to its last sample's last row.
        rows_of_block = np.minimum(last + self._kind.reach, stops) - low
        filled = np.cumsum(rows_of_block[order])
        fills, start = [], 0
        while start < len(order):
            rows_before = filled[start - 1] if start else 0
            stop = int(np.searchsorted(filled, rows_before + self._capacity, side="right"))
            stop = max(stop, start + 1)  # a block larger than the capacity is loaded alone
            fills.append(np.sort(order[start:stop]))  # ascending, so that the disk reads forwards
            start = stop
        for fill, blocks in enumerate(fills, start=1):
            columns = np.stack([begins[blocks], ends[blocks], low[blocks], rows_of_block[blocks]])
            following = fills[fill] if fill < len(fills) else blocks[:0]
            ahead = np.stack([low[following], rows_of_block[following]])
            # Each pool draws from its own stream, so that skipped pools need not be loaded.
            generator = self._generator(epoch, fill)
            yield Pool(
                self._kind,
                int((columns[1] - columns[0]).sum()),
                partial(self._load, columns, ahead, generator),
            )

    def _load_whole(self, epoch: int) -> tuple[Tensor, Tensor, Tensor]:
        samples = self._samples
        if self._resident is None:
            pieces = self._reader.pieces(samples.reader_rows(0, samples.rows))
            if self._reader.in_memory:
                self._resident = _joined(list(pieces))
            else:
                self._resident = self._buffer(samples.rows)
                _fill(self._resident, 0, pieces)
        generator = self._generator(epoch, 0)
        order = torch.randperm(samples.count, generator=generator)
        first, stops = samples.locate(order.numpy())
        return self._resident, *self._resolved(first, stops, generator)

    def _load(
        self, blocks: Integers, ahead: Integers, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Load blocks: columns of first sample, last sample + 1, first compact row, and rows.

        ahead: the last two of the blocks of the next pool, whose rows are fetched meanwhile.
        """
        self._prefetch(blocks[2:])
        buffer = self._space_for(int(blocks[3].sum()))
        filled = 0
        firsts, stops = [], []
        for begin, end, low, rows in blocks.T.tolist():
            first, stop = self._samples.locate(np.arange(begin, end))
            firsts.append(first - low + filled)
            stops.append(np.minimum(stop - low, rows) + filled)
            filled = _fill(
                buffer, filled, self._reader.pieces(self._samples.reader_rows(low, low + rows))
            )
        self._prefetch(ahead)
        order = torch.randperm(sum(map(len, firsts)), generator=generator)
        first, stop = np.concatenate(firsts)[order.numpy()], np.concatenate(stops)[order.numpy()]
        return buffer, *self._resolved(first, stop, generator)

    def _prefetch(self, blocks: Integers) -> None:
        """Tell a reader that fetches from afar which rows of blocks will be read next."""
        if isinstance(self._reader, PrefetchingReader) and blocks.shape[1]:
            rows = [self._samples.reader_rows(low, low + rows) for low, rows in blocks.T.tolist()]
            self._reader.prefetch(np.concatenate(rows))

    def _resolved(
        self, first: Integers, stops: Integers, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        begins, ends = torch.from_numpy(first), torch.from_numpy(stops)
        return self._kind.resolve(begins, ends, generator), ends

    def _space_for(self, rows: int) -> Float[Tensor, "rows d"]:
        """The buffer that every pool fills again: fresh memory costs more than the copy."""
        if self._space is None or len(self._space) < rows:
            self._space = self._buffer(max(rows, self._capacity))
        return self._space[:rows]

    def _buffer(self, rows: int) -> Float[Tensor, "rows d"]:
        return torch.empty(rows, self._reader.d, dtype=self._reader.dtype)

    def _generator(self, *key: int) -> torch.Generator:
        return seeds.torch_generator(self._seed, "order of rows", *key)


def _fill(buffer: Tensor, filled: int, pieces: Iterable[Tensor]) -> int:
    for piece in pieces:
        buffer[filled : filled + len(piece)].copy_(piece)
        filled += len(piece)
    return filled


def _joined(pieces: list[Tensor]) -> Tensor:
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


def _join(parts: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    return parts[0] if len(parts) == 1 else tuple(map(torch.cat, zip(*parts, strict=True)))
