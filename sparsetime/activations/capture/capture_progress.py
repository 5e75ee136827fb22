"""How far a capture is, counted in what is known of its data beforehand."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, final

from sparsetime.activations.capture.capture_plan import InputWindow, Shard
from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.text_files import TextFiles
from sparsetime.progress import Bar


@final
class ProgressTotal:
    """How much there is to do: characters or steps where the data lies in memory, or documents."""

    def __init__(self, data: Iterable[Any]) -> None:
        self.total: float | None = len(data) if isinstance(data, TextFiles) else None
        self.unit = "documents"

    def count_documents(self, known: list[Document]) -> None:
        """These are all documents there are."""
        self.total = sum(map(len, known))
        self.unit = "characters" if known and known[0].kind == "text" else "steps"

    def of(self, window: InputWindow) -> float:
        """What running this window contributes."""
        share = window.rows / window.steps.length
        return share if self.unit == "documents" else share * len(window.steps.document)


@final
class CaptureProgress:
    """Moves the bar, and says how fast the model runs."""

    def __init__(self, bar: Bar, measure: ProgressTotal) -> None:
        self._bar, self._measure = bar, measure
        self._began = time.monotonic()
        self._rows = 0

    def advance(self, window: InputWindow) -> None:
        """A window has been run."""
        self._rows += window.rows
        rate = self._rows / max(time.monotonic() - self._began, 1e-9)
        self._bar.say(f"{rate:,.0f} rows/s")
        self._bar.advance(self._measure.of(window))

    def skip(self, shard: Shard) -> None:
        """A shard was found finished."""
        self._bar.advance(sum(map(self._measure.of, shard.windows)))
        self._began = time.monotonic()
