"""Batches for training out of any source, with all that the dictionaries need."""

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

#: What every source with an order of time gives beside its rows.
IN_TIME = frozenset({"earlier", "segments"})
#: Steps of a segment, where nobody says otherwise.
WINDOW = 64


@runtime_checkable
class BatchSource(Protocol):
    """A source that gives more than rows and pairs: `fields` are the widths of what has one."""

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


def check_source_fields(source: Source, needs: frozenset[str], who: str) -> None:
    """Errors: DataError where the source cannot give what is needed; it says how to give it."""
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
    """Batches of `batch` rows that hold what is needed; partners lie `lag` steps before.

    Where segments are needed, a batch holds as many of `window` steps as fit into it, drawn as
    `windows` draws them: the last one of a sequence may be shorter, and the batch with it.

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
    """Batches as somebody made them, read once and neither shuffled nor cut."""

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
        """The batches in the order they come; `lag`, `window` and `seed` have no effect.

        Errors: DataError for a batch of another number of rows than `batch`, or without a need.
        """
        if epochs not in (1, None):
            raise ConfigError(
                f"an iterator of batches can only be read once; epochs={epochs} was given"
            )
        for number, one in enumerate(self._batches):
            if one.rows != batch:
                raise DataError(
                    f"batch {number} of the iterator has {one.rows} rows and {batch} are wanted: "
                    f"pass batch={one.rows} if all are of this size"
                )
            check_needs(needs, one.fields, "training", f"batch {number} of the iterator")
            if number >= skip:
                yield one

    def rows(
        self, batch: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch d"]]:
        """The batches' x."""
        wanted = self.batches(frozenset(), batch, epochs=epochs, skip=skip)
        return (one.x for one in wanted)

    def pairs(
        self, batch: int, lag: Lag = 1, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch 2 d"]]:
        """Errors: ConfigError, because batches that are made already are not cut anew."""
        raise ConfigError("batches that are ready cannot be cut into pairs; give them `earlier`")

    def windows(
        self, batch: int, length: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[tuple[Float[Tensor, "batch time d"], Bool[Tensor, "batch time"]]]:
        """Errors: ConfigError, because batches that are made already have no time."""
        raise ConfigError("batches that are ready have no order of time; give tensors or a store")
