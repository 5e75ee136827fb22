"""Training batches from any source, with the fields that the dictionaries need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Protocol, final, runtime_checkable

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.activations.sampling.batch import Batch, check_needs
from sparsetime.activations.sampling.sample_kinds import Lag
from sparsetime.activations.sampling.segment_batching import SegmentBatching
from sparsetime.activations.sources.source import Source
from sparsetime.errors import ConfigError, DataError

#: Fields that every source with an order of time provides.
IN_TIME = frozenset({"earlier", "segments"})
#: Default steps of a segment.
WINDOW = 64


@runtime_checkable
class BatchSource(Protocol):
    """A source that makes whole batches. `field_widths` are the widths of its tensor fields."""

    @property
    def fields(self) -> frozenset[str]: ...

    @property
    def field_widths(self) -> dict[str, int]: ...

    def batches(
        self,
        needs: frozenset[str],
        batch: int,
        *,
        lag: Lag = 1,
        window: int = WINDOW,
        seed: int = 0,
        epochs: int | None = 1,
        skip: int = 0,
    ) -> Iterator[Batch]: ...


@runtime_checkable
class BufferedSource(Protocol):
    """A source that is shuffled in a buffer smaller than itself."""

    def with_shuffle_buffer(self, size: int) -> Source: ...


def with_shuffle_buffer(source: Source, size: int) -> Source:
    """The source with a shuffle buffer of `size` bytes; one that has no buffer, as it is."""
    return source.with_shuffle_buffer(size) if isinstance(source, BufferedSource) else source


def check_source_fields(source: Source, needs: frozenset[str], who: str) -> None:
    """Errors: DataError where the source lacks a needed field, with how to provide it."""
    fields = source.fields if isinstance(source, BatchSource) else IN_TIME
    check_needs(needs, fields, who, f"the source ({type(source).__name__})")


def batches(
    source: Source,
    needs: frozenset[str],
    batch: int,
    *,
    lag: Lag = 1,
    window: int = WINDOW,
    seed: int = 0,
    epochs: int | None = 1,
    skip: int = 0,
) -> Iterator[Batch]:
    """Batches of `batch` rows with the needed fields; neighbours lie `lag` steps before.

    Where segments are needed, a batch holds as many windows of `window` steps as fit into it. The
    last window of a sequence may be shorter, and its batch has fewer rows.

    Errors: ConfigError where a batch is smaller than a segment; DataError where no sequence is as
    long as one.
    """
    if isinstance(source, BatchSource):
        return source.batches(
            needs, batch, lag=lag, window=window, seed=seed, epochs=epochs, skip=skip
        )
    if "segments" in needs:
        division = SegmentBatching.of(batch, window, lag if "earlier" in needs else 0)
        windows = source.windows(
            division.windows, length=division.length, seed=seed, epochs=epochs, skip=skip
        )
        return (_batch_of_segments(division, *padded) for padded in windows)
    if "earlier" in needs:
        samples = source.pairs(batch, lag=lag, seed=seed, epochs=epochs, skip=skip)
    else:
        samples = source.rows(batch, seed=seed, epochs=epochs, skip=skip)
    return (Batch.of(sample) for sample in samples)


def _batch_of_segments(division: SegmentBatching, windows: Tensor, mask: Tensor) -> Batch:
    x, earlier, segments = division.unpack(windows, mask)
    return Batch(x, earlier=earlier if division.lag else None, segments=segments)


@final
class BatchIteratorSource:
    """An iterator of ready batches as a source, read once and neither shuffled nor cut."""

    model_name: str | None = None
    model_hash: str | None = None
    site: str | None = None
    fingerprint: str | None = None

    def __init__(self, first: Batch, rest: Iterable[Batch]) -> None:
        self.field_widths = {name: tensor.shape[-1] for name, tensor in first.tensors.items()}
        self.d: int = self.field_widths["x"]
        self.fields = first.fields
        self._batches = chain([first], rest)

    def batches(
        self,
        needs: frozenset[str],
        batch: int,
        *,
        lag: Lag = 1,
        window: int = WINDOW,
        seed: int = 0,
        epochs: int | None = 1,
        skip: int = 0,
    ) -> Iterator[Batch]:
        """The batches in their order; `lag`, `window` and `seed` have no effect.

        Errors: DataError for a batch of another number of rows than `batch`, or without a need.
        """
        if epochs not in (1, None):
            raise ConfigError(
                f"got epochs={epochs}, expected 1 with an iterator of batches, which can be read "
                "once only"
            )
        for number, ready in enumerate(self._batches):
            if ready.rows != batch:
                raise DataError(
                    f"batch {number} of the iterator has {ready.rows} rows and {batch} are wanted: "
                    f"pass batch={ready.rows} if all are of this size"
                )
            check_needs(needs, ready.fields, "training", f"batch {number} of the iterator")
            if number >= skip:
                yield ready

    def rows(
        self, batch: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch d"]]:
        """The batches' x."""
        ready = self.batches(frozenset(), batch, epochs=epochs, skip=skip)
        return (item.x for item in ready)

    def pairs(
        self, batch: int, lag: Lag = 1, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch 2 d"]]:
        """Errors: ConfigError: ready batches cannot be cut into pairs."""
        raise ConfigError("batches that are ready cannot be cut into pairs; give them `earlier`")

    def windows(
        self, batch: int, length: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[tuple[Float[Tensor, "batch time d"], Bool[Tensor, "batch time"]]]:
        """Errors: ConfigError: ready batches have no order of time."""
        raise ConfigError("batches that are ready have no order of time; give tensors or a store")
