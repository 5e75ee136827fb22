"""Progress of a capture: characters, steps, documents or recordings done, and rows per second."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, final

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.input_windows import InputWindow, Shard
from sparsetime.activations.capture.text_files import TextFiles
from sparsetime.activations.readers.recordings import Recordings
from sparsetime.progress import Bar


@final
class ProgressTotal:
    """The total of a progress bar: characters or steps of data in memory, else files or sequences.

    parts: how many captures share the data.
    """

    def __init__(self, data: Iterable[Any], parts: int = 1) -> None:
        self.total: float | None = None
        self.unit = "sequences"
        if isinstance(data, TextFiles | Recordings):
            self.total = len(data) / parts
            self.unit = "documents" if isinstance(data, TextFiles) else "recordings"

    def count_documents(self, documents: list[Document]) -> None:
        """Set the total to the size of all documents."""
        self.total = sum(map(len, documents))
        self.unit = "characters" if documents and documents[0].kind == "text" else "steps"

    def of(self, window: InputWindow) -> float:
        """The window's contribution, in the total's unit."""
        share = window.rows / window.prepared.length
        counts_steps = self.unit in ("characters", "steps")
        return share * len(window.prepared.document) if counts_steps else share


@final
class CaptureProgress:
    """Advances the progress bar and shows the rate in rows per second."""

    def __init__(self, bar: Bar, total: ProgressTotal) -> None:
        self._bar, self._total = bar, total
        self._began = time.monotonic()
        self._rows = 0

    def advance(self, window: InputWindow) -> None:
        """Count a window that has been run."""
        self._rows += window.rows
        rate = self._rows / max(time.monotonic() - self._began, 1e-9)
        self._bar.say(f"{rate:,.0f} rows/s")
        self._bar.advance(self._total.of(window))

    def skip(self, shard: Shard) -> None:
        """Count a shard that an earlier capture finished, without it affecting the rate."""
        self._bar.advance(sum(map(self._total.of, shard.windows)))
        self._began = time.monotonic()
