"""Forward passes over planned windows: documents in, activations of every site out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import final

import torch
from jaxtyping import Shaped
from torch import Tensor

from sparsetime.activations.capture.capture_part import CapturePart
from sparsetime.activations.capture.check_batches import check_batches
from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.find_rows import find_rows
from sparsetime.activations.capture.input_windows import InputWindow, Shard, check_window, shards
from sparsetime.activations.capture.length_probe import LengthProbe, RunSites
from sparsetime.activations.capture.model_call import ModelCall
from sparsetime.activations.capture.pass_settings import PassFacts, PassSettings
from sparsetime.activations.capture.recording import Recording
from sparsetime.activations.capture.row_settings import FoundRows, RowSettings
from sparsetime.activations.capture.special_tokens import SpecialTokens, special_tokens_around
from sparsetime.activations.capture.timed_rows import (
    WindowSettings,
    documents_with_rows,
    has_own_times,
)
from sparsetime.activations.capture.tokenize import DocumentPreparer, PreparedDocument
from sparsetime.activations.capture.window_batch import (
    channel_names,
    check_rows,
    decoder_tokens,
    document_names,
    padded_inputs,
    store_rows,
)
from sparsetime.errors import ConfigError, DataError
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.hooks import Recorder
from sparsetime.models.input_layout import AS_GIVEN
from sparsetime.models.load import LoadedModel, longest_input
from sparsetime.models.model_errors import explained
from sparsetime.models.row_clock import RowClock
from sparsetime.models.site_tensors import OtherRateError
from sparsetime.models.sites import Site, resolve_site

_LONGEST_BY_DEFAULT = 512


@final
class ForwardPasses:
    """Forward passes of a model over documents, with the activations of its sites.

    first: name and description of a recording with which all documents are to agree.

    Errors, all before the model runs: UnknownNameError for a site that does not exist,
    ConfigError for a window that is longer than the model allows.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        sites: str | Sequence[str],
        settings: PassSettings,
        rows: RowSettings,
        first: tuple[str, Recording] | None,
    ) -> None:
        self.loaded, self.settings, self._rows, self._first = loaded, settings, rows, first
        names = [sites] if isinstance(sites, str) else list(sites)
        self.sites: list[Site] = [resolve_site(loaded.model, name) for name in names]
        self.names = [site.name for site in self.sites]
        if not self.names or len(set(self.names)) < len(self.names):
            raise ConfigError(f"got sites={names}, expected at least one site, each named once")
        self._call = ModelCall(loaded.model)
        self._preparer = DocumentPreparer(loaded, first)
        self._preparer.rate_is_given = rows.rate is not None
        self._begun: list[PreparedDocument] = []
        self.facts = PassFacts(may_pad=self._call.takes_mask)
        self._recorder = Recorder(loaded.model, self.names, settings.time_axis)
        self.clock, self._layout, self.own_times = RowClock(), AS_GIVEN, False
        self._may_begin_again = False
        self._limit = longest_input(loaded.model, loaded.tokenizer)
        self._special = SpecialTokens()  # until the first document turns out to be a text
        limit = self._limit if self._call.takes_tokens else None  # who takes none reads values
        check_window(settings.window, settings.overlap, 0, limit, loaded.name)

    def fresh(self) -> ForwardPasses:
        """Passes over documents from the first on, with all that was found about the model."""
        passes = ForwardPasses(self.loaded, self.names, self.settings, self._rows, self._first)
        passes.facts = self.facts
        if self.facts.found is not None:
            passes.use(self.facts.found)
        return passes

    @property
    def empty(self) -> list[str]:
        """Ids of the documents so far that have no steps."""
        return self._preparer.empty

    def check(self, documents: Iterable[Document]) -> None:
        """Check all properties of documents that need no tokenising."""
        checked = []
        for document in documents:
            self._preparer.check(document)
            checked.append(document)
        self.facts.padded_before = self._preparer.is_padded_before(checked)

    def plan(
        self,
        documents: Iterable[Document],
        shard_rows: int,
        part: CapturePart | None = None,
        keep_input: bool = False,
    ) -> Iterator[Shard]:
        """The shards of the documents, planned lazily. part: which part of all data they are.

        Errors: DataError where no document has any step; ConfigError where the tokenizer's special
        tokens cannot be detected.
        """
        return self._plan(self._prepared(documents), shard_rows, part, keep_input)

    def begin(
        self,
        documents: Iterable[Document],
        shard_rows: int,
        part: CapturePart | None = None,
        keep_input: bool = False,
    ) -> tuple[Shard, Iterator[Shard], dict[str, tuple[int, torch.dtype]]]:
        """The first shard, those behind it, and the width and stored dtype of every site.

        A site that has not one row a step is looked at for several lengths of the input, and the
        shards are planned again for the rows that it has.

        Errors: those of `plan`, `dry_run` and `find_rows`.
        """
        self._may_begin_again = self.facts.found is None
        prepared = self._prepared(documents)
        planned = self._plan(prepared, shard_rows, part, keep_input)
        first = next(planned)
        self._may_begin_again, begun, self._begun = False, self._begun, []
        error: OtherRateError | DataError | None = None
        is_found = self.facts.found is not None
        if is_found or not (self._rows or begun[0].document.decoder_tokens is not None):
            try:
                return first, planned, self.dry_run(first)
            except (OtherRateError, DataError) as raised:
                if is_found:
                    raise
                error = raised
        self.use(self._found_rows(begun[0], error))
        planned = self._plan(chain(begun, prepared), shard_rows, part, keep_input)
        first = next(planned)
        return first, planned, self.dry_run(first)

    def use(self, found: FoundRows) -> None:
        """Take the rows of sites as they were found. Errors: those of `FoundRows.one_clock`."""
        self.clock = found.one_clock(self.names)
        self.facts.found, self._layout = found, found.input_layout
        self._recorder.layouts = {name: rows.layout for name, rows in found.sites.items()}

    def _found_rows(
        self, first: PreparedDocument, error: OtherRateError | DataError | None
    ) -> FoundRows:
        """The rows of every site, from one document. Errors: `error` where the model takes none."""
        settings, rows = self.settings, self._rows
        window = settings.window or (None if first.inputs.ndim > 1 else self._window_length(first))
        run = RunSites(self._call, self._recorder, self.loaded.name)
        layout = rows.input_layout
        try:
            probe = LengthProbe(run, first.inputs, settings.batch, layout, window)
        except DataError as raised:
            raise error or raised from raised
        return find_rows(probe, self.names, rows, first.document.step, settings.time_axis)

    def _prepared(self, documents: Iterable[Document]) -> Iterator[PreparedDocument]:
        """Documents as inputs; those read before the rate of a site is known are kept."""
        self._preparer.padded_before = self.facts.padded_before
        for prepared in self._preparer.prepare(documents):
            if self._may_begin_again:
                self._begun.append(prepared)
            yield prepared

    def _plan(
        self,
        prepared: Iterator[PreparedDocument],
        shard_rows: int,
        part: CapturePart | None,
        keep_input: bool,
    ) -> Iterator[Shard]:
        first = next(prepared, None)
        if first is None:
            empty = self.empty
            raise DataError(
                "the data is empty: it has no documents"
                if not empty
                else f"the data is empty: none of its {len(empty)} documents has a step"
            )
        if first.document.kind == "text":
            self._special = special_tokens_around(self.loaded.tokenizer)
        window = self._window_length(first)
        limit = None if first.document.kind == "values" else self._limit
        check_window(window, self.settings.overlap, len(self._special), limit, self.loaded.name)
        recording = first.document.recording
        described = keep_input or (recording is not None and recording.describes)
        overlap, special = self.settings.overlap, len(self._special)
        self.own_times = has_own_times(self.clock, window, overlap, first.document)
        documents: Iterator[PreparedDocument] = chain([first], prepared)
        if not self.clock.is_plain:
            cut = WindowSettings(window, overlap, len(self._special.before), special)
            documents = documents_with_rows(documents, self.clock, cut, self.own_times, self.empty)
        yield from shards(documents, window, overlap, special, shard_rows, part, described)

    def dry_run(self, shard: Shard) -> dict[str, tuple[int, torch.dtype]]:
        """Width and stored dtype of every site, from one window.

        Errors: those of `Recorder.run`; DataError where the model does not take the documents;
        MismatchError where other windows of a batch change a window's activations, or where a
        site does not have one row a step.
        """
        alone = self._check_batches(shard)
        return {n: (v.shape[2], self.settings.stored_dtype(v.dtype)) for n, v in alone.items()}

    def _check_batches(self, shard: Shard) -> dict[str, Tensor]:
        """The activations of one window, of which batches were checked to change nothing."""
        batch, plain = self.settings.batch, not self._recorder.layouts
        with eval_mode(self.loaded.model), self._recorder:
            return check_batches(self._forward, shard.windows, batch, self.clock, self.facts, plain)

    def record_with(self, others: Sequence[ForwardPasses]) -> None:
        """Record the sites of other passes too, whenever these run."""
        layouts, names = dict(self._recorder.layouts), list(self.names)
        for passes in others:
            layouts |= passes._recorder.layouts
            names += passes.names
            self.facts.may_pad &= passes.facts.may_pad
        self._recorder = Recorder(self.loaded.model, names, self.settings.time_axis)
        self._recorder.layouts = layouts

    def run(
        self,
        shard: Shard,
        advance: Callable[[InputWindow], None] = lambda window: None,
        beside: Callable[[list[InputWindow], dict[str, Tensor]], None] = lambda *_: None,
    ) -> dict[str, Shaped[Tensor, "rows d"]]:
        """The activations of every site at the shard's rows, on the CPU, in the stored dtype.

        beside: gets the windows of each batch and what all sites that are recorded give of it.
        """
        stored: dict[str, Tensor] = {}
        if not self.facts.saw_longer_window and any(w.length > 1 for w in shard.windows):
            self._check_batches(shard)  # windows of one step show little of a model
        for batch in shard.batches(self.settings.batch, even=not self.facts.may_pad):
            with eval_mode(self.loaded.model), self._recorder:
                activations = self._forward([window for window, _ in batch])
            windows = [window for window, _ in batch]
            self.check_rows(windows, activations)
            self.store(stored, shard.rows, batch, activations)
            beside(windows, activations)
            for window in windows:
                advance(window)
        return stored

    def check_rows(self, windows: Sequence[InputWindow], values: Mapping[str, Tensor]) -> None:
        """Errors: MismatchError where a batch has other rows at a site than were found."""
        for name in self.names:
            check_rows(windows, values[name], name, self.clock, len(self._special))

    def store(
        self,
        stored: dict[str, Tensor],
        rows: int,
        batch: Sequence[tuple[InputWindow, int]],
        values: Mapping[str, Tensor],
    ) -> None:
        """Put the rows of windows into `stored`, which holds all `rows` of a shard by site."""
        dtype_of = self.settings.stored_dtype
        for name in self.names:
            store_rows(values[name], batch, self._first_position, name, stored, rows, dtype_of)

    def _window_length(self, first: PreparedDocument) -> int | None:
        if self.settings.window is not None or first.document.kind == "values":
            return self.settings.window
        return min(self._limit or _LONGEST_BY_DEFAULT, _LONGEST_BY_DEFAULT)

    @property
    def _first_position(self) -> int:
        """The position of a window's first row among those that the model gives."""
        return len(self._special.before) if self.clock.is_plain else 0

    def _forward(self, batch: list[InputWindow]) -> dict[str, Tensor]:
        padding = getattr(self.loaded.tokenizer, "pad_token_id", None) or 0
        inputs, mask = padded_inputs(batch, self._special, padding, self.clock)
        decoder = decoder_tokens(batch, self.clock)
        arguments, keywords = self._call.arguments(inputs, mask, self._layout, decoder)
        count, time = inputs.shape[:2]
        kind, names = batch[0].prepared.document.kind, document_names(batch)
        of = f"{kind} of shape {list(inputs.shape)} ({names}{channel_names(batch)})"
        with explained(f"the model {self.loaded.name!r} cannot run on {of}"):
            return self._recorder.run(arguments, keywords, count, time, names)
