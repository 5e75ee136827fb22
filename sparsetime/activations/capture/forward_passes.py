"""Forward passes over planned windows: documents in, activations of every site out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import final

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from sparsetime.activations.capture.capture_part import CapturePart
from sparsetime.activations.capture.check_batch_axis import BatchCheck
from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.input_windows import InputWindow, Shard, check_window, shards
from sparsetime.activations.capture.model_call import ModelCall
from sparsetime.activations.capture.special_tokens import SpecialTokens, special_tokens_around
from sparsetime.activations.capture.tokenize import DocumentPreparer, PreparedDocument
from sparsetime.activations.store.manifest import DTYPES
from sparsetime.errors import ConfigError, DataError
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.hooks import Recorder
from sparsetime.models.load import LoadedModel, longest_input
from sparsetime.models.model_errors import explained
from sparsetime.models.sites import Site, resolve_site

_LONGEST_BY_DEFAULT = 512
_NO_SPECIAL_TOKENS = SpecialTokens()


@final
@dataclass(frozen=True)
class PassSettings:
    """Settings of windows and batches; they determine every byte of a capture."""

    window: int | None = None
    overlap: int = 0
    batch: int = 32
    dtype: str = "auto"
    time_axis: int = 1

    def __post_init__(self) -> None:
        for name in ("window", "batch"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name}={value} must be at least 1")
        if self.dtype not in ("auto", *DTYPES):
            raise ConfigError(
                f"got dtype={self.dtype!r}, expected 'auto' (as the model computes) or one of "
                f"{', '.join(DTYPES)}"
            )


@final
@dataclass
class PassFacts:
    """What was found about a model and its documents.

    may_pad: whether windows of several lengths run together, padded. saw_longer_window: whether
    batches were checked on a window of more than one step; live passes are not checked.
    padded_before: whether a token that begins a document is padding, where the same token may be
    the beginning of a text; None where that is unknown.
    """

    may_pad: bool
    saw_longer_window: bool = True
    padded_before: bool | None = None


@final
class ForwardPasses:
    """Forward passes of a model over documents, with the activations of its sites.

    Errors, all before the model runs: UnknownNameError for a site that does not exist,
    ConfigError for a window that is longer than the model allows.
    """

    def __init__(
        self, loaded: LoadedModel, sites: str | Sequence[str], settings: PassSettings
    ) -> None:
        self.loaded = loaded
        self.settings = settings
        names = [sites] if isinstance(sites, str) else list(sites)
        self.sites: list[Site] = [resolve_site(loaded.model, name) for name in names]
        self.names = [site.name for site in self.sites]
        if not self.names or len(set(self.names)) < len(self.names):
            raise ConfigError(f"got sites={names}, expected at least one site, each named once")
        self._call = ModelCall(loaded.model)
        self._preparer = DocumentPreparer(loaded)
        self.facts = PassFacts(may_pad=self._call.takes_mask)
        self._recorder = Recorder(loaded.model, self.names, settings.time_axis)
        self._limit = longest_input(loaded.model, loaded.tokenizer)
        self._special = _NO_SPECIAL_TOKENS  # until the first document turns out to be a text
        limit = self._limit if self._call.takes_tokens else None  # who takes none reads values
        check_window(settings.window, settings.overlap, 0, limit, loaded.name)

    def fresh(self) -> ForwardPasses:
        """Passes over documents from the first on, with all that was found about the model."""
        passes = ForwardPasses(self.loaded, self.names, self.settings)
        passes.facts = self.facts
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
        self._preparer.padded_before = self.facts.padded_before
        prepared = self._preparer.prepare(documents)
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
        overlap, special = self.settings.overlap, len(self._special)
        recording = first.document.recording
        described = keep_input or (recording is not None and recording.describes)
        documents_and_first = chain([first], prepared)
        yield from shards(
            documents_and_first, window, overlap, special, shard_rows, part, described
        )

    def dry_run(self, shard: Shard) -> dict[str, tuple[int, torch.dtype]]:
        """Width and stored dtype of every site, from one window.

        Errors: those of `Recorder.run`; DataError where the model does not take the documents;
        MismatchError where other windows of a batch change a window's activations, or where a
        site does not have one row a step.
        """
        alone = self._check_batches(shard)
        return {name: (value.shape[2], self._dtype(value.dtype)) for name, value in alone.items()}

    def _check_batches(self, shard: Shard) -> dict[str, Tensor]:
        """The activations of one window, of which batches were checked to change nothing."""
        longer = (window for window in shard.windows if window.length > 1)
        window = next(longer, shard.windows[0])
        self.facts.saw_longer_window = window.length > 1
        with eval_mode(self.loaded.model), self._recorder:
            check = BatchCheck(self._forward, shard.windows, window, self.settings.batch)
            check.one_by_one()
            check.together()
            if self._call.takes_mask and self.settings.batch > 1:
                self.facts.may_pad = check.padding_changes_nothing()
            check.other_length()
        return check.alone

    def run(
        self, shard: Shard, advance: Callable[[InputWindow], None] = lambda window: None
    ) -> dict[str, Shaped[Tensor, "rows d"]]:
        """The activations of every site at the shard's rows, on the CPU, in the stored dtype."""
        stored: dict[str, Tensor] = {}
        if not self.facts.saw_longer_window and any(w.length > 1 for w in shard.windows):
            self._check_batches(shard)  # windows of one step show little of a model
        for batch in shard.batches(self.settings.batch, even=not self.facts.may_pad):
            with eval_mode(self.loaded.model), self._recorder:
                activations = self._forward([window for window, _ in batch])
                positions, rows = _places(batch, len(self._special.before), self._longest(batch))
            for name, value in activations.items():
                if name not in stored:
                    dtype = self._dtype(value.dtype)
                    stored[name] = torch.empty(shard.rows, value.shape[2], dtype=dtype)
                picked = value.reshape(-1, value.shape[2])[positions.to(value.device)]
                stored[name][rows] = picked.to("cpu", stored[name].dtype)
            for window, _ in batch:
                advance(window)
        return stored

    def _window_length(self, first: PreparedDocument) -> int | None:
        if self.settings.window is not None or first.document.kind == "values":
            return self.settings.window
        return min(self._limit or _LONGEST_BY_DEFAULT, _LONGEST_BY_DEFAULT)

    def _dtype(self, computed: torch.dtype) -> torch.dtype:
        if self.settings.dtype != "auto":
            named: torch.dtype = getattr(torch, self.settings.dtype)
            return named
        storable = str(computed).removeprefix("torch.") in DTYPES
        return computed if storable else torch.float32

    def _longest(self, batch: list[tuple[InputWindow, int]]) -> int:
        return max(window.length for window, _ in batch) + len(self._special)

    def _forward(self, batch: list[InputWindow]) -> dict[str, Tensor]:
        inputs, mask = self._padded(batch)
        arguments, keywords = self._call.arguments(inputs, mask)
        count, time = inputs.shape[:2]
        kind, names = batch[0].prepared.document.kind, _names(batch)
        shape = list(inputs.shape)
        with explained(
            f"the model {self.loaded.name!r} cannot run on {kind} of shape {shape} ({names})"
        ):
            return self._recorder.run(arguments, keywords, count, time, names)

    def _padded(self, batch: list[InputWindow]) -> tuple[Tensor, Tensor]:
        """Inputs [batch, time, …], padded at their end, and the mask [batch, time] of real ones."""
        before = torch.tensor(self._special.before, dtype=torch.long)
        after = torch.tensor(self._special.after, dtype=torch.long)
        rows = [window.prepared.inputs[window.input_start : window.input_stop] for window in batch]
        if rows[0].ndim == 1:
            rows = [torch.cat([before, row.cpu(), after]) for row in rows]
        padding = getattr(self.loaded.tokenizer, "pad_token_id", None) or 0
        inputs = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=padding)
        lengths = torch.tensor([len(row) for row in rows])
        return inputs, (torch.arange(inputs.shape[1]) < lengths[:, None]).long()


def _names(batch: list[InputWindow]) -> str:
    """The documents of a batch, for errors."""
    ids = dict.fromkeys(window.prepared.document.id for window in batch)
    shown = ", ".join(repr(name) for name in list(ids)[:3]) + (", …" if len(ids) > 3 else "")
    return f"{'document' if len(ids) == 1 else 'documents'} {shown}"


def _places(
    batch: list[tuple[InputWindow, int]], before: int, longest: int
) -> tuple[Tensor, Tensor]:
    """Positions of the stored rows in [batch * time], and their rows in the shard."""
    positions = [
        i * longest + before + window.stored_positions for i, (window, _) in enumerate(batch)
    ]
    rows = [np.arange(first, first + window.rows) for window, first in batch]
    return torch.from_numpy(np.concatenate(positions)), torch.from_numpy(np.concatenate(rows))
