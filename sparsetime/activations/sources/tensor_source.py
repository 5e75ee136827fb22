"""Sources without a store: tensors in memory, and iterators of tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from itertools import chain
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.capture.check_finite import check_finite
from sparsetime.activations.sampling.kept_segments import kept_segments
from sparsetime.activations.sampling.sample_index import SampleIndex
from sparsetime.activations.sampling.sample_kinds import (
    Lag,
    PairSamples,
    RowSamples,
    SampleKind,
    WindowSamples,
)
from sparsetime.activations.sampling.shuffle import Pool, Shuffle, rebatch
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.activations.store.pick_rows import pick
from sparsetime.errors import ConfigError, DataError
from sparsetime.segments import Segments
from sparsetime.tensors import as_tensor, dtype_name


class TensorReader:
    """Rows of a tensor [rows, d] that is already in memory."""

    in_memory = True

    def __init__(self, values: Float[Tensor, "rows d"]) -> None:
        self._values = values
        self.d: int = values.shape[1]
        self.dtype = values.dtype

    def pieces(self, rows: NDArray[np.int64]) -> Iterator[Float[Tensor, "some d"]]:
        """The rows of the given numbers (ascending), as a view where they are contiguous."""
        yield pick(self._values, rows)


@final
class TensorSource:
    """A tensor in memory: [rows, d], or [sequences, time, d] for pairs and windows too.

    `len(source)` is its number of rows. Each epoch is a uniformly random order.
    """

    model_name: str | None = None
    model_hash: str | None = None
    site: str | None = None

    def __init__(self, values: Tensor, exclusion: StepExclusion | None = None) -> None:
        check_activations(values, "tensor")
        self._values = values = values.detach().cpu()
        self.exclusion = exclusion or StepExclusion()
        self.d: int = values.shape[-1]
        self._shape = list(values.shape)
        self._reader = TensorReader(values.reshape(-1, self.d))
        time = values.shape[-2]
        self._rows = values.shape[0] if values.ndim == 2 else values.shape[0] * time
        self._segments = Segments.even(self._rows // time, time)

    def __len__(self) -> int:
        return self._rows

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the dtype, the shape and the bytes, as hex."""
        digest = hashlib.sha256(f"{self._reader.dtype} {self._shape}".encode())
        for piece in self._reader.pieces(np.arange(self._rows)):
            digest.update(piece.contiguous().view(torch.uint8).numpy().data)
        if self.exclusion:
            digest.update(repr(self.exclusion).encode())
        return digest.hexdigest()

    @property
    def excluded(self) -> StepExclusion:
        """Every step that is left out."""
        return self.exclusion

    def without_steps(self, exclusion: StepExclusion) -> TensorSource:
        """The same tensor with samples that leave steps out; see `Store.without_steps`."""
        first_rows = self._segments.numpy_offsets[:-1]
        measured = exclusion.measured(self._reader, self._segments, first_rows)
        return TensorSource(self._values, measured)

    def rows(
        self, batch: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch d"]]:
        """Shuffled rows; every row once an epoch."""
        return (x for (x,) in self._shuffle(RowSamples(), seed).batches(batch, epochs, skip))

    def pairs(
        self, batch: int, lag: Lag = 1, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch 2 d"]]:
        """Shuffled pairs `lag` apart. Errors: DataError where the tensor has no time axis."""
        return (x for (x,) in self._shuffle(PairSamples(lag), seed).batches(batch, epochs, skip))

    def windows(
        self, batch: int, length: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[tuple[Float[Tensor, "batch time d"], Bool[Tensor, "batch time"]]]:
        """Shuffled segments of time with their mask. Errors: DataError without a time axis."""
        shuffle = self._shuffle(WindowSamples(length), seed)
        return ((x, mask) for x, mask in shuffle.batches(batch, epochs, skip))

    def _shuffle(self, kind: SampleKind, seed: int) -> Shuffle:
        if kind.name != RowSamples.name:
            _check_time(self._shape, kind, "a tensor")
        if not self.exclusion:
            return Shuffle(kind, self._reader, self._segments, seed)
        segments, first_rows = self._kept
        return Shuffle(kind, self._reader, segments, seed, first_rows=first_rows)

    @cached_property
    def _kept(self) -> tuple[Segments, NDArray[np.int64]]:
        offsets = self._segments.numpy_offsets[:-1]
        return kept_segments(self._reader, self._segments, offsets, self.exclusion)


@final
class IteratorSource:
    """An iterator of tensors as a source, read once and not shuffled.

    Batches [rows, d] give rows only; batches [sequences, time, d] give pairs and windows too, each
    sequence whole within its batch. `seed` has no effect, and `epochs=None` means until the
    iterable ends. The first use consumes it.
    """

    model_name: str | None = None
    model_hash: str | None = None
    site: str | None = None
    fingerprint: str | None = None

    def __init__(self, batches: Iterable[Tensor]) -> None:
        tensors = iter(batches)
        first = next(tensors, None)
        if first is None:
            raise DataError("the iterator of batches is empty: it gave no batch")
        first = as_tensor(first, "batch 0")
        check_activations(first, "batch 0")
        self.d: int = first.shape[-1]
        self._shape = list(first.shape)
        self._batches = chain([first], tensors)
        self._used = False

    def rows(
        self, batch: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch d"]]:
        """Rows in the order they come, re-cut to batches of `batch`."""
        return (x for (x,) in self._rebatch(RowSamples(), batch, epochs, skip))

    def pairs(
        self, batch: int, lag: Lag = 1, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch 2 d"]]:
        """Pairs `lag` apart. Errors: DataError where the batches have no time axis."""
        return (x for (x,) in self._rebatch(PairSamples(lag), batch, epochs, skip))

    def windows(
        self, batch: int, length: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[tuple[Float[Tensor, "batch time d"], Bool[Tensor, "batch time"]]]:
        """Segments of time with their mask. Errors: DataError without a time axis."""
        return ((x, mask) for x, mask in self._rebatch(WindowSamples(length), batch, epochs, skip))

    def _rebatch(
        self, kind: SampleKind, batch: int, epochs: int | None, skip: int
    ) -> Iterator[tuple[Tensor, ...]]:
        if kind.name != RowSamples.name:
            _check_time(self._shape, kind, "an iterator of batches")
        if epochs is not None and epochs != 1:
            raise ConfigError(
                f"got epochs={epochs}, expected 1 with an iterator of batches, which can be read "
                "once only; capture a store, or give a tensor, to read the data several times"
            )
        if batch < 1 or skip < 0:
            raise ConfigError(
                f"got batch={batch} and skip={skip}, expected a batch of at least 1 and a skip of "
                "at least 0"
            )
        if self._used:
            raise DataError(
                "this iterator of batches was already read. Make a new one, or capture a store"
            )
        self._used = True
        return rebatch(self._pools(kind), batch, skip * batch)

    def _pools(self, kind: SampleKind) -> Iterator[Pool]:
        for number, given in enumerate(self._batches):
            values = as_tensor(given, f"batch {number}")
            if values.ndim != len(self._shape) or values.shape[-1] != self.d:
                raise DataError(
                    f"batch {number} of the iterator has shape {list(values.shape)}, the first had "
                    f"{self._shape}: all must have as many dimensions and the same width"
                )
            check_activations(values, f"batch {number}")
            time = values.shape[-2]
            segments = Segments.even(values.numel() // self.d // time, time)
            samples = SampleIndex(kind, segments)
            buffer = values.detach().cpu().reshape(-1, self.d)
            yield Pool(kind, samples.count, partial(_in_order, samples, buffer, number))


def _in_order(samples: SampleIndex, buffer: Tensor, number: int) -> tuple[Tensor, Tensor, Tensor]:
    first, stops = samples.locate(np.arange(samples.count))
    begins, ends = torch.from_numpy(first), torch.from_numpy(stops)
    generator = seeds.torch_generator(0, "lags of an iterator", number)
    return buffer, samples.kind.resolve(begins, ends, generator), ends


def check_activations(values: Tensor, what: str) -> None:
    """Errors: DataError for values that are empty, not floating point or not finite."""
    if values.ndim not in (2, 3) or not values.is_floating_point():
        raise DataError(
            "activations are floating point [rows, d] or [sequences, time, d]; the "
            f"{what} is {dtype_name(values)} {list(values.shape)}"
        )
    if values.numel() == 0:
        raise DataError(f"the {what} is empty: its shape is {list(values.shape)}")
    check_finite(values, what)


def _check_time(shape: list[int], kind: SampleKind, what: str) -> None:
    if len(shape) != 3:
        raise DataError(
            f"{kind.name} need the order of time, and {what} of shape {shape} has none. "
            "Give [sequences, time, d], or a store"
        )
