"""Names and stars that people give to features: an append-only log beside the run.

The last line of a feature counts. So no crash can lose an earlier name, and several explorers may
write to one run.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from typing import final

from pydantic import ValidationError

from sparsetime.errors import ConfigError, SparsetimeError
from sparsetime.explorer.workbench.schema import Label
from sparsetime.files import Folder

LABELS = "labels.jsonl"
LONGEST = 200
VERSION = 1  # schema of a line
_WRITING = threading.Lock()


@final
class Labels:
    """The labels of a run. The file is read again only where its size has changed.

    weights: the `dictionary_hash` of each dictionary as it is now. A label keeps that of the
    dictionary it was given for: once one is trained again its numbers are other features, so its
    labels are stale. They are listed as stale, and name nothing.
    """

    def __init__(self, folder: Folder, weights: Mapping[str, str]) -> None:
        self._folder = folder
        self.weights = weights
        self._size = -1
        self._labels: dict[tuple[str, int], Label] = {}
        self._note = ""

    def all(self) -> list[Label]:
        """Labels with a name or a star, by dictionary and feature."""
        return [label for _, label in sorted(self._now().items()) if label.name or label.starred]

    @property
    def note(self) -> str:
        """What of the file cannot be read; empty where all can."""
        self._now()
        return self._note

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
        with _WRITING:
            lines = [self._kept(label).model_dump(mode="json") for label in added]
            self._folder.append_lines(LABELS, lines, VERSION)
            self._flush()

    def _kept(self, label: Label) -> Label:
        """The label as it is written: with the weights it is for, by default the present ones."""
        weights = label.weights or self.weights.get(label.dictionary, "")
        return label.model_copy(update={"weights": weights, "stale": False})

    def _read_as(self, label: Label) -> Label:
        # Imported here, since it loads torch, which the first picture of a run does not wait for.
        from sparsetime.dictionaries.dictionary_hash import same_dictionary

        now = self.weights.get(label.dictionary)
        known = bool(label.weights) and now is not None
        stale = known and not same_dictionary(label.weights, now)
        return label.model_copy(update={"stale": stale})

    def _flush(self) -> None:
        """Write to the disk itself, so that a name survives a power failure."""
        if self._folder.is_local:
            with open(self._folder.path(LABELS), "rb") as file:
                os.fsync(file.fileno())

    def _now(self) -> dict[tuple[str, int], Label]:
        size = self._folder.size(LABELS) if self._folder.exists(LABELS) else 0
        if size != self._size:
            labels, self._note = _read(self._folder) if size else ({}, "")
            self._labels = {key: self._read_as(label) for key, label in labels.items()}
            self._size = size
        return self._labels


def _read(folder: Folder) -> tuple[dict[tuple[str, int], Label], str]:
    """The last label of every feature, and what of the file cannot be read."""
    try:
        lines = folder.read_lines(LABELS, VERSION)
    except SparsetimeError as error:
        return {}, f"Labels are left out: {str(error).rstrip('.')}."
    labels, others = {}, 0
    for line in lines.values:
        try:
            label = Label.model_validate(line)
        except ValidationError:
            others += 1
            continue
        labels[(label.dictionary, label.feature)] = label
    notes = [f"Labels have gaps: {lines.damaged}."] if lines.damaged else []
    if others:
        notes.append(f"{others} lines of {folder.url}/{LABELS} are no labels, and are left out.")
    return labels, " ".join(notes)
