"""A run opened by the explorer: read once, cached while unchanged, read again when it changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, final

from sparsetime.errors import ConfigError, StoreError
from sparsetime.explorer.run_contents import DICTIONARY, INDEX, store_names
from sparsetime.explorer.workbench.kept_attention import KeptAttentions
from sparsetime.explorer.workbench.live import Live
from sparsetime.explorer.workbench.live_stream import LiveStreams
from sparsetime.explorer.workbench.preview import indexed
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.features.detail_table import DETAILS
from sparsetime.features.feature_table import TABLES
from sparsetime.files import Folder

if TYPE_CHECKING:
    from torch import nn

    from sparsetime.models.load import LoadedModel

_RECORDS = (DICTIONARY, f"{INDEX}/index.json", "evaluation.json")
_LOOK_AGAIN = 2.0  # seconds between two looks at whether the run has changed


@final
class Workbench:
    """A run on disk, for several readers at once, also while training still writes to it.

    It is read when `opened` is first asked for: that imports torch, and a first picture (see
    `glance`) need not wait for it.

    model: what live views run; see `live.Live`. renderers: JavaScript modules that draw kinds of
    input which the explorer does not know; see the explorer's page of the documentation.

    Errors: StoreError where there is no run, or nothing in it yet that a view could show.
    """

    def __init__(
        self,
        run: str | Path,
        model: str | Path | nn.Module | LoadedModel | None = None,
        renderers: Sequence[str | Path] = (),
    ) -> None:
        self.folder = Folder(str(run))
        self.live = Live(model)
        self.streams = LiveStreams()
        self.attention = KeptAttentions()
        self.renderers = [_module(module) for module in renderers]
        self._lock = threading.Lock()
        self._opened: RunCache | None = None
        self._stamp: tuple[tuple[str, int], ...] = ()
        self._looked = 0.0
        self._stores = store_names(self.folder)
        if not indexed(self.folder) and not self.training:
            said = " ".join(self.opened.notes) or (
                "It has no dictionary; make one with sparsetime train, then sparsetime index."
            )
            raise StoreError(f"{self.folder.url} holds nothing that can be shown yet. {said}")

    @property
    def fresh(self) -> RunCache | None:
        """The run where it was looked at a moment ago; None where `opened` would look at it."""
        recent = time.monotonic() - self._looked <= _LOOK_AGAIN
        return self._opened if recent else None

    @property
    def opened(self) -> RunCache:
        """The run as it is now; the same object as long as nothing changed."""
        with self._lock:
            now = time.monotonic()
            if self._opened is None or now - self._looked > _LOOK_AGAIN:
                stamp = self._stamp_now()
                if self._opened is None or stamp != self._stamp:
                    self._opened, self._stamp = RunCache(self.folder), stamp
                self._looked = now  # last, as `fresh` reads it without the lock
            return self._opened

    @property
    def training(self) -> list[str]:
        """Folders of the run that hold a training log."""
        return [n for n in self.folder.names() if self.folder.exists(f"{n}/metrics.jsonl")]

    def _stamp_now(self) -> tuple[tuple[str, int], ...]:
        """Changes whenever a record that makes something valid is written or removed."""
        stamps = []
        for name in self.folder.names():
            for record in _RECORDS:
                at = f"{name}/{record}"
                if self.folder.is_local:
                    try:
                        stamps.append((at, self.folder.path(at).stat().st_mtime_ns))
                    except OSError:
                        continue
                elif self.folder.exists(at):
                    stamps.append((at, self.folder.size(at)))
            for added in (TABLES, DETAILS):  # a folder changes with what is added to it
                at = f"{name}/{INDEX}/{added}"
                if self.folder.is_local and self.folder.exists(at):
                    stamps.append((at, self.folder.path(at).stat().st_mtime_ns))
        return tuple(stamps)


def _module(path: str | Path) -> Path:
    """Errors: ConfigError for a renderer that is no file of JavaScript."""
    file = Path(path)
    if not file.is_file() or file.suffix not in (".js", ".mjs"):
        raise ConfigError(f"the renderer {str(path)!r} is not a JavaScript module (a .js file)")
    return file
