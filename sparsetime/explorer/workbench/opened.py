"""A run opened for looking at: read once, kept while it is unchanged, read anew when it changes."""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np

from sparsetime.errors import StoreError, unknown_name
from sparsetime.explorer.excerpts import Excerpt, choose_excerpts, excerpt
from sparsetime.explorer.gather import told_apart
from sparsetime.explorer.run import DICTIONARY, INDEX, Shown, readable, store_names
from sparsetime.explorer.workbench.labels import Labels
from sparsetime.files import Folder

if TYPE_CHECKING:
    import torch

    from sparsetime.codes import SparseCode
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.firing import Firing

_RECORDS = (DICTIONARY, f"{INDEX}/index.json", "evaluation.json")
ALWAYS_ON = 0.2  # share of the corpus's steps beyond which a feature says nothing of a passage
_LOOK_AGAIN = 2.0  # seconds between two looks at whether the run has changed


@final
class Opened:
    """What a run held when it was read. Look-ups that are asked for again are kept.

    shown: dictionaries by key, those with parts first. notes: what is left out, and why.
    """

    def __init__(self, folder: Folder) -> None:
        names = [name for name in folder.names() if folder.exists(f"{name}/{DICTIONARY}")]
        contents = readable(folder, names, lambda: None)
        self._folder = folder
        self.notes = contents.notes
        self.shown = {each.entry.key: each for each in told_apart(contents.shown)}
        self.labels = Labels(folder)
        self.document = lru_cache(maxsize=64)(self._document)
        self.code = lru_cache(maxsize=32)(self._code)
        self.firing = lru_cache(maxsize=32)(self._firing)
        self.boundaries = lru_cache(maxsize=64)(self._boundaries)
        self.opens_at = lru_cache(maxsize=64)(self._opens_at)
        self.dictionary = lru_cache(maxsize=8)(self._dictionary)

    def one(self, key: str) -> Shown:
        """The dictionary of that key. Errors: UnknownNameError, with what can be shown."""
        if key not in self.shown:
            raise unknown_name("dictionary", key, self.shown, " ".join(self.notes))
        return self.shown[key]

    def atoms(self, key: str) -> torch.Tensor:
        """The dictionary's atoms, float32 [width, d]."""
        return self.dictionary(key).atoms.detach().float()

    def _dictionary(self, key: str) -> Dictionary:
        from sparsetime.dictionaries.saved import load

        return load((self._folder / self.one(key).entry.key).url)

    def _document(self, key: str, sequence: int) -> Excerpt:
        store = self.one(key).store
        place = int(np.searchsorted(store.sequence_indices, sequence))
        stored = store.sequence(place)
        return excerpt(stored, 0, len(stored))

    def _code(self, key: str, sequence: int) -> SparseCode:
        return self.one(key).index.sequence(sequence)

    def _boundaries(self, key: str, sequence: int) -> list[int]:
        """Where a sequence turns to something else; features that are always on have no say."""
        from sparsetime.features.segments import boundaries

        table = self.one(key).table
        scale = np.where(table.density <= ALWAYS_ON, 1 / np.maximum(table.peak, 1e-12), 0.0)
        return [int(step) for step in boundaries(self.code(key, sequence), scale)]

    def _opens_at(self, key: str) -> tuple[int, int, int]:
        """A stretch that reads like prose: its sequence, first step and the step after its last."""
        shown = self.one(key)
        known = shown.index.sequences["sequence"].to_pylist()
        best = choose_excerpts(shown.store, 1, known)[0]
        return best.sequence, best.first, best.stop

    def _firing(self, key: str, feature: int) -> Firing:
        from sparsetime.features.firing import firing

        return firing(self.one(key).index, feature)


@final
class Workbench:
    """A run on disk, for several readers at once, also while training still writes to it.

    Errors: StoreError where there is no run, or nothing in it yet that a view could show.
    """

    def __init__(self, run: str | Path) -> None:
        self.folder = Folder(str(run))
        self._lock = threading.Lock()
        self._opened: Opened | None = None
        self._stamp: tuple[tuple[str, int], ...] = ()
        self._looked = 0.0
        self._stores = store_names(self.folder)
        if not self.opened.shown and not self.training:
            said = " ".join(self.opened.notes) or (
                "It has no dictionary; make one with sparsetime train, then sparsetime index."
            )
            raise StoreError(f"{self.folder.url} holds nothing that can be shown yet. {said}")

    @property
    def opened(self) -> Opened:
        """The run as it is now; the same object as long as nothing changed."""
        with self._lock:
            now = time.monotonic()
            if self._opened is None or now - self._looked > _LOOK_AGAIN:
                self._looked = now
                stamp = self._stamp_now()
                if self._opened is None or stamp != self._stamp:
                    self._opened, self._stamp = Opened(self.folder), stamp
            return self._opened

    @property
    def training(self) -> list[str]:
        """Folders of the run that hold a training log."""
        return [n for n in self.folder.names() if self.folder.exists(f"{n}/metrics.jsonl")]

    def _stamp_now(self) -> tuple[tuple[str, int], ...]:
        """Changes whenever a record that makes something valid is written or removed."""
        found = []
        for name in self.folder.names():
            for record in _RECORDS:
                at = f"{name}/{record}"
                if self.folder.is_local:
                    try:
                        found.append((at, self.folder.path(at).stat().st_mtime_ns))
                    except OSError:
                        continue
                elif self.folder.exists(at):
                    found.append((at, self.folder.size(at)))
        return tuple(found)
