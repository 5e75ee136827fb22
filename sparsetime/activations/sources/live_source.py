"""Streaming: activations of a live model as a source, without a store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, count, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.activations.capture.activation_settings import ActivationSettings
from sparsetime.activations.capture.as_documents import as_documents
from sparsetime.activations.capture.check_finite import check_shard_finite
from sparsetime.activations.capture.containers import items_of
from sparsetime.activations.capture.document import Document, Times
from sparsetime.activations.capture.forward_passes import ForwardPasses
from sparsetime.activations.capture.input_windows import InputWindow, Shard
from sparsetime.activations.capture.pass_settings import PassSettings
from sparsetime.activations.capture.row_settings import RowSettings
from sparsetime.activations.readers.recordings import recordings_of
from sparsetime.activations.sampling.prefetch import prefetched
from sparsetime.activations.sampling.sample_kinds import (
    Lag,
    PairSamples,
    RowSamples,
    SampleKind,
    WindowSamples,
)
from sparsetime.activations.sampling.shuffle import Pool, Shuffle, check_batches, rebatch
from sparsetime.activations.sources.tensor_source import TensorReader
from sparsetime.errors import ConfigError, DataError
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.models.row_layout import FeatureMap
from sparsetime.segments import Segments

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BUFFER_ROWS = 65536
# Hooks of two streams on one model would record each other's passes, so passes take turns.
_ONE_PASS_AT_A_TIME = threading.Lock()


def stream(
    model: str | Path | nn.Module | LoadedModel,
    data: Any,
    site: str,
    *,
    labels: Iterable[Mapping[str, Any]] | None = None,
    times: Iterable[Times] | None = None,
    tokenizer: PreTrainedTokenizerBase | None = None,
    window: int | None = None,
    overlap: int = 0,
    model_batch: int = 32,
    dtype: str = "auto",
    time_axis: int = 1,
    rate: float | None = None,
    offset: float | None = None,
    feature_map: FeatureMap | None = None,
    input_layout: str | None = None,
    buffer_rows: int = BUFFER_ROWS,
    device: str | torch.device | None = None,
) -> StreamingSource:
    """A source of activations that a background thread computes while they are used.

    Takes what `capture` takes (`model_batch` is its `batch`). `buffer_rows` activations are
    shuffled together; at most three such buffers exist at a time: one in use, one waiting, one
    being filled. Data that can be iterated again (a list, a set of files) can be used again, also
    for several epochs. The first use consumes an iterator, which ends with `epochs=None` too.

    Errors: those of `capture`, except that nothing is written.
    """
    if buffer_rows < 1:
        raise ConfigError(f"buffer_rows={buffer_rows} must be at least 1")
    settings = ActivationSettings(
        PassSettings(window, overlap, model_batch, dtype, time_axis),
        RowSettings(rate, offset, feature_map, input_layout),
    )
    data = recordings_of(data, rate is not None) or items_of(data)
    as_documents(data, labels, times)  # raises early for data that is no iterable of documents
    loaded = load_model(model, tokenizer, device)
    repeatable = not isinstance(data, Iterator)
    kept_labels = list(labels) if repeatable and labels is not None else labels
    kept_times = list(times) if repeatable and times is not None else times

    def new_documents() -> Iterator[Document]:
        return as_documents(data, kept_labels, kept_times)

    if not isinstance(site, str):
        raise ConfigError(f"a stream has one site; {site!r} was given")
    passes = settings.forward_passes(loaded, site)
    if isinstance(data, list | tuple | Tensor):  # errors are found before any long work
        passes.check(new_documents())
    return StreamingSource(loaded, passes, new_documents, repeatable, buffer_rows)


class _ConsumerEndedError(Exception):
    """Stops the filling of a buffer whose consumer has ended."""


@final
class StreamingSource:
    """Shuffled batches of a live model's activations: `rows`, `pairs` and `windows` as of a store.

    Buffers are filled in the order of the documents, and each is shuffled uniformly, as a
    function of the seed and its number: data that fits one buffer comes in the same order as from a
    store. A sequence that reaches over the end of a buffer counts as two. `skip` has to run
    the model over what it skips.

    A use that is not read to its end stops its thread when its iterator is closed or dropped.
    """

    fingerprint: str | None = None

    def __init__(
        self,
        loaded: LoadedModel,
        passes: ForwardPasses,
        new_documents: Callable[[], Iterator[Document]],
        repeatable: bool,
        buffer_rows: int,
    ) -> None:
        self._passes, self._documents, self._repeatable = passes, new_documents, repeatable
        self._buffer_rows = buffer_rows
        passes = passes.fresh()
        with _ONE_PASS_AT_A_TIME:
            first, planned, widths = passes.begin(new_documents(), buffer_rows)
        self._passes.facts = passes.facts
        self.model_name: str | None = loaded.name
        self.model_hash: str | None = loaded.revision_or_hash
        self.site: str | None = passes.names[0]
        self._name = passes.names[0]
        self.d: int = widths[self._name][0]
        # The documents that an iterator spent on the dry run are part of the first epoch.
        self._begun = None if repeatable else (passes, chain([first], planned))
        self._used = False

    def rows(
        self, batch: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch d"]]:
        """Shuffled rows; every row once an epoch."""
        return (x for (x,) in self._batches(RowSamples(), batch, seed, epochs, skip))

    def pairs(
        self, batch: int, lag: Lag = 1, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch 2 d"]]:
        """Shuffled pairs of rows of one sequence, `lag` steps apart, the earlier first."""
        return (x for (x,) in self._batches(PairSamples(lag), batch, seed, epochs, skip))

    def windows(
        self, batch: int, length: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[tuple[Float[Tensor, "batch time d"], Bool[Tensor, "batch time"]]]:
        """Shuffled segments of `length` steps, with the mask of the steps that are real."""
        return ((x, m) for x, m in self._batches(WindowSamples(length), batch, seed, epochs, skip))

    def _batches(
        self, kind: SampleKind, batch: int, seed: int, epochs: int | None, skip: int
    ) -> Iterator[tuple[Tensor, ...]]:
        check_batches(batch, epochs, skip)
        if not self._repeatable:
            if epochs not in (1, None):
                raise ConfigError(
                    f"epochs={epochs} needs data that can be iterated again, such as a list; this "
                    f"stream's data is an iterator, which is used up after one epoch"
                )
            if self._used:
                raise DataError(
                    "this stream's data is an iterator and has been used up; give data that can "
                    "be iterated again, such as a list, or make a new stream"
                )
            self._used = True
        return rebatch(self._pools(kind, seed, epochs), batch, skip * batch)

    def _pools(self, kind: SampleKind, seed: int, epochs: int | None) -> Iterator[Pool]:
        left = threading.Event()
        shortest: DataError | None = None
        any_samples = False
        name = f"sparsetime-stream {self._name}"
        with prefetched(self._buffers(epochs, left), depth=1, name=name) as buffers:
            try:
                for number, (values, segments) in enumerate(buffers):
                    try:
                        shuffle = Shuffle(kind, TensorReader(values), segments, seed)
                    except DataError as error:  # no sequence of this buffer is long enough
                        shortest = error
                        continue
                    any_samples = True
                    yield from shuffle.pools(number)
            finally:
                left.set()  # the thread stops within its current window
        if shortest is not None and not any_samples:
            raise shortest

    def _buffers(
        self, epochs: int | None, left: threading.Event
    ) -> Iterator[tuple[Float[Tensor, "rows d"], Segments]]:
        def advance(window: InputWindow) -> None:
            if left.is_set():
                raise _ConsumerEndedError

        endless = epochs is None and self._repeatable
        for _ in count() if endless else range(epochs or 1):
            passes, planned = self._begin()
            for shard in planned:
                with _ONE_PASS_AT_A_TIME:
                    values = passes.run(shard, advance)[self._name]
                check_shard_finite(shard, values, self._name)
                yield values, _segments_of(shard)

    def _begin(self) -> tuple[ForwardPasses, Iterator[Shard]]:
        if self._begun is not None:
            begun, self._begun = self._begun, None
            return begun
        passes = self._passes.fresh()
        return passes, passes.plan(self._documents(), self._buffer_rows)


def _segments_of(shard: Shard) -> Segments:
    """The sequences of a shard; several windows of one document form one segment."""
    by_sequence = groupby(shard.windows, key=lambda window: window.sequence)
    return Segments.of_lengths([sum(w.rows for w in windows) for _, windows in by_sequence])
