"""Live encoding of text or values that a user enters, in segments as the model reads them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
from pydantic import Field

from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.explorer.peak_percent import percent_of_peak
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.live_worker import LiveRun, LiveWorker
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import TimelineFeature
from sparsetime.explorer.workbench.timeline import timeline_feature
from sparsetime.features.step_text import step_texts

if TYPE_CHECKING:
    from torch import nn

    from sparsetime.activations.capture.document import Document
    from sparsetime.activations.capture.forward_passes import ForwardPasses
    from sparsetime.activations.store.store import Store
    from sparsetime.models.load import LoadedModel

LONGEST = 20_000  # characters of a text
MOST_VALUES = 200_000  # numbers of a series
LONGEST_PAGE = 64  # characters of a page's name
_AT_ONCE = 256  # rows of a chunk, or a window where that has more


class LiveInput(FrozenRecord):
    """What is to be run: a text, or a series as rows of numbers, one a step.

    page: a name that a page makes up for itself. Its newest input supersedes the earlier ones.
    """

    text: str = ""
    values: tuple[tuple[float, ...], ...] = ()
    page: str = Field("", max_length=LONGEST_PAGE)


class LiveState(FrozenRecord):
    """What a live run waits for while it has no chunk.

    state: "loading" the model, "waiting" for `ahead` runs of other pages, or "running".
    """

    state: Literal["loading", "waiting", "running"]
    ahead: int = 0


class LiveChunk(FrozenRecord):
    """The next steps of a live timeline: for each, its features and their percent of the maximum.

    known: of each feature that has not come before. per_row: input steps a step of the timeline.
    behind: input steps by which a stream's rows come late, since the model reads ahead.
    """

    first: int
    words: list[Text]
    gaps: list[Text]
    features: list[list[int]]
    strengths: list[list[int]]
    known: list[TimelineFeature]
    per_row: float = 1.0
    behind: int = 0

    @staticmethod
    def empty(first: int, per_row: float, behind: int) -> LiveChunk:
        """A chunk without steps."""
        return LiveChunk(
            first=first, words=[], gaps=[], features=[], strengths=[], known=[],
            per_row=per_row, behind=behind,
        )  # fmt: skip


@final
class Live:
    """The model behind a run, loaded when it is first needed and kept from then on.

    model: a module, or a name or folder that `transformers` loads; None for the name that the
    store was captured under.
    """

    def __init__(self, model: str | Path | nn.Module | LoadedModel | None = None) -> None:
        self._given = model
        self._loaded: LoadedModel | None = None
        self._causal: LoadedModel | None = None
        self.worker = LiveWorker()  # all that the server does with the model
        self.lock = threading.Lock()  # a model's hooks serve one pass at a time

    def state(self, run: LiveRun[Any]) -> LiveState:
        """What a run of the `worker` waits for now."""
        ahead = self.worker.ahead(run)
        if self._loaded is None:
            return LiveState(state="loading", ahead=ahead)
        return LiveState(state="waiting" if ahead else "running", ahead=ahead)

    def model(self, store: Store) -> LoadedModel:
        """The model that the store was captured from.

        Errors: ConfigError where it cannot be loaded on this machine; MismatchError where it has
        other weights than the store was captured with.
        """
        from sparsetime.models.load import load_model
        from sparsetime.models.model_hash import is_model

        if self._loaded is None:
            try:
                self._loaded = load_model(store.model_name if self._given is None else self._given)
            except ConfigError as error:
                raise ConfigError(_not_loaded(store.model_name, self._given, error)) from error
        loaded = self._loaded
        if not is_model(loaded.model, loaded.revision_or_hash, store.model_hash):
            raise MismatchError(
                f"the model {self._loaded.name!r} has other weights than the one that this run was "
                f"captured from ({store.model_name!r}); its features would mean nothing. Start the "
                f"explorer with the model of the run: --model FOLDER"
            )
        return self._loaded

    def causal_model(self, name: str) -> LoadedModel:
        """The model with its head, which gives logits. Errors: ConfigError as `model`.

        name: of the model that the run was captured from.
        """
        from sparsetime.models.causal_model import load_causal_model

        if self._causal is None:
            try:
                self._causal = load_causal_model(name if self._given is None else self._given)
            except ConfigError as error:
                raise ConfigError(_not_loaded(name, self._given, error)) from error
        return self._causal

    def passes(self, store: Store, windows: bool = True) -> ForwardPasses:
        """The model and its site, run with the settings of the capture; without its windows."""
        from sparsetime.activations.capture.activation_settings import ActivationSettings

        # What a user enters has no names of channels that could be compared with the recordings'.
        settings = replace(ActivationSettings.of_store(store), first=None)
        if not windows:
            passes = replace(settings.passes, window=None, overlap=0)
            settings = replace(settings, passes=passes)
        return settings.forward_passes(self.model(store), store.site)


def check_input(opened: RunCache, key: str, typed: LiveInput) -> Document:
    """The document of an input, checked without the model.

    Errors: UnknownNameError for a dictionary that the run does not show; DataError for nothing and
    for too much.
    """
    return _document(typed, opened.dictionary(key).store)


def play(opened: RunCache, live: Live, key: str, typed: LiveInput) -> Iterator[LiveChunk]:
    """The code of what is given, window by window as the model gets through it.

    Errors: DataError for nothing, for too much, and for what the model does not take; those of
    `Live.model`.
    """
    from sparsetime.activations.capture.check_finite import check_shard_finite

    shown = opened.dictionary(key)
    document = check_input(opened, key, typed)
    sae = opened.loaded(key)
    peak = shown.table.peak
    with live.lock:
        passes = live.passes(shown.store)
    first, before = 0, 0
    met = np.zeros(len(peak), dtype=bool)
    state = sae.stream()
    for shard in passes.plan([document], _AT_ONCE):
        with live.lock:  # never over a yield: a reader that stops reading would keep it
            values = passes.run(shard)[shown.store.site]
        check_shard_finite(shard, values, shown.store.site)
        code = state.feed(values)
        offsets, feature = code.offsets.numpy(), code.indices.numpy()
        activation = np.abs(code.values.detach().float().numpy())
        percent = percent_of_peak(activation, peak[feature])
        new = np.unique(feature[~met[feature]])
        met[new] = True
        words, gaps, before = _words(document, shard.step_table(), before)
        yield LiveChunk(
            first=first,
            words=words,
            gaps=gaps,
            features=[part.tolist() for part in np.split(feature, offsets[1:-1])],
            strengths=[part.tolist() for part in np.split(percent, offsets[1:-1])],
            known=[timeline_feature(opened, key, int(f)) for f in new],
        )
        first += code.rows


def _not_loaded(name: str, given: object, error: ConfigError) -> str:
    """What to do first, then why: without `given` the reason is about a name nobody wrote."""
    start = (
        "sparsetime explore RUN --model FOLDER (or --model FILE.py:FUNCTION), or in Python "
        "explore(run, model=module)"
    )
    if given is None:
        return (
            f"to run something live, the explorer needs the model: start it with {start}. It was "
            f"started without one, and the model {name!r} of this run cannot be loaded here by "
            f"that name ({str(error).rstrip('.')})"
        )
    return (
        f"the model {name!r} of this run cannot be loaded here, so nothing can be run live: "
        f"{str(error).rstrip('.')}. Start the explorer with {start}"
    )


def _document(typed: LiveInput, store: Store) -> Document:
    from sparsetime.activations.capture.document import Document

    if bool(typed.text.strip()) == bool(typed.values):
        raise DataError("give either a text or a series of numbers to run")
    if typed.text:
        if len(typed.text) > LONGEST:
            raise DataError(
                f"the text has {len(typed.text):,} characters; at most {LONGEST:,} are run live. "
                f"Capture longer ones with sparsetime capture"
            )
        # Half of a surrogate pair is no character that a tokenizer takes.
        return Document("live", text=typed.text.encode("utf-8", "replace").decode())
    widths = {len(row) for row in typed.values}
    if len(widths) != 1 or 0 in widths:
        raise DataError(
            f"a series needs the same count of numbers in every row; there are rows of "
            f"{', '.join(map(str, sorted(widths)))}"
        )
    if len(typed.values) * max(widths) > MOST_VALUES:
        raise DataError(f"the series has more than {MOST_VALUES:,} numbers, the most to run live")
    values = np.array(typed.values, dtype=np.float32)
    if not np.isfinite(values).all():
        raise DataError("the series holds something that is no finite number")
    return Document("live", values=values, unit=store.unit)


def _words(document: Document, steps: Any, before: int) -> tuple[list[str], list[str], int]:
    """The words of these steps and the white space before them; how far the text is used up."""
    if document.text is None:
        return [""] * steps.num_rows, [""] * steps.num_rows, before
    starts, ends = steps["char_start"].to_pylist(), steps["char_end"].to_pylist()
    pieces = list(step_texts(document.text, starts, ends, before))
    return [word for word, _ in pieces], [gap for _, gap in pieces], max([before, *ends])
