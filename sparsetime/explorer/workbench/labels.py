"""Names and stars that people give to features: an append-only log beside the run.

The last line of a feature counts. So no crash can lose an earlier name, and several explorers may
write to one run.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Mapping
from typing import final

from pydantic import ValidationError

from sparsetime.errors import ConfigError
from sparsetime.explorer.workbench.schema import Label
from sparsetime.files import Folder

LABELS = "labels.jsonl"
LONGEST = 200
_WRITING = threading.Lock()


@final
class Labels:
    """The labels of a run. The file is read again only where its size has changed.

    weights: the hash of each dictionary's weights as they are now. A label keeps the hash of the
    weights it was given for: once a dictionary is trained again its numbers are other features, so
    its labels are stale. They are listed as stale, and name nothing.
    """

    def __init__(self, folder: Folder, weights: Mapping[str, str]) -> None:
        self._folder = folder
        self.weights = weights
        self._size = -1
        self._labels: dict[tuple[str, int], Label] = {}

    def all(self) -> list[Label]:
        """Labels with a name or a star, by dictionary and feature."""
        return [label for _, label in sorted(self._now().items()) if label.name or label.starred]

    def of(self, dictionary: str, feature: int) -> Label:
        """The label of a feature, an empty one where it has none."""
        label = self._now().get((dictionary, feature))
        return label if label and not label.stale else Label(dictionary=dictionary, feature=feature)

    def add(self, labels: Iterable[Label]) -> None:
        """Set labels; an empty name without a star removes one.

        Errors: ConfigError for a name that is too long; nothing is written then.
        """
        added = list(labels)
        for label in added:
            if len(label.name) > LONGEST:
                raise ConfigError(
                    f"got a name of {len(label.name)} characters for feature {label.feature}; "
                    f"expected at most {LONGEST}, so shorten it"
                )
        # A line break first: a half line that a crash left must not swallow the next one.
        lines = "".join(f"\n{self._kept(label).model_dump_json()}\n" for label in added)
        with _WRITING:
            self._folder.append_text(LABELS, lines)
            self._flush()

    def _kept(self, label: Label) -> Label:
        """The label as it is written: with the weights it is for, by default the present ones."""
        weights = label.weights or self.weights.get(label.dictionary, "")
        return label.model_copy(update={"weights": weights, "stale": False})

    def _read_as(self, label: Label) -> Label:
        now = self.weights.get(label.dictionary)
        stale = now is not None and label.weights not in ("", now)
        return label.model_copy(update={"stale": stale})

    def _flush(self) -> None:
        """Write to the disk itself, so that a name survives a power failure."""
        if self._folder.is_local:
            with open(self._folder.path(LABELS), "rb") as file:
                os.fsync(file.fileno())

    def _now(self) -> dict[tuple[str, int], Label]:
        size = self._folder.size(LABELS) if self._folder.exists(LABELS) else 0
        if size != self._size:
            labels = _read(self._folder) if size else {}
            self._labels = {key: self._read_as(label) for key, label in labels.items()}
            self._size = size
        return self._labels


def _read(folder: Folder) -> dict[tuple[str, int], Label]:
    labels = {}
    for line in folder.read_bytes(LABELS).decode("utf-8", "replace").split("\n"):
        if not line.strip():
            continue
        try:
            label = Label.model_validate(json.loads(line))
        except (ValueError, ValidationError):
            continue  # cut off by a crash
        labels[(label.dictionary, label.feature)] = label
    return labels
