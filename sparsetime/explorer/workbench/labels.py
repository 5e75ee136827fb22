"""Names and stars that users give to features: one line each in a log beside the run.

Lines are only ever added, and the last one of a feature counts. So no crash can lose an earlier
name, and several explorers may write to one run.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from typing import final

from pydantic import ValidationError

from sparsetime.errors import ConfigError
from sparsetime.explorer.workbench.records import Label
from sparsetime.files import Folder

LABELS = "labels.jsonl"
LONGEST = 200
_WRITING = threading.Lock()


@final
class Labels:
    """The labels of a run. Reading looks at the file again only where it has grown."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._size = -1
        self._found: dict[tuple[str, int], Label] = {}

    def all(self) -> list[Label]:
        """Labels that say something, by dictionary and feature."""
        return [label for _, label in sorted(self._now().items()) if label.name or label.starred]

    def of(self, dictionary: str, feature: int) -> Label:
        """The label of a feature, an empty one where nobody gave any."""
        known = self._now().get((dictionary, feature))
        return known or Label(dictionary=dictionary, feature=feature)

    def add(self, labels: Iterable[Label]) -> None:
        """Set labels; an empty name without a star takes one away.

        Errors: ConfigError for a name that is too long; nothing is written then.
        """
        given = list(labels)
        for label in given:
            if len(label.name) > LONGEST:
                raise ConfigError(
                    f"the name of feature {label.feature} has {len(label.name)} characters; at "
                    f"most {LONGEST} are kept"
                )
        # A line break first: a half line that a crash left must not swallow the next one.
        lines = "".join(f"\n{label.model_dump_json()}\n" for label in given)
        with _WRITING:
            self._folder.append_text(LABELS, lines)

    def _now(self) -> dict[tuple[str, int], Label]:
        size = self._folder.size(LABELS) if self._folder.exists(LABELS) else 0
        if size != self._size:
            self._found = _read(self._folder) if size else {}
            self._size = size
        return self._found


def _read(folder: Folder) -> dict[tuple[str, int], Label]:
    found = {}
    for line in folder.read_bytes(LABELS).decode("utf-8", "replace").split("\n"):
        if not line.strip():
            continue
        try:
            label = Label.model_validate(json.loads(line))
        except (ValueError, ValidationError):
            continue  # cut off by a crash
        found[(label.dictionary, label.feature)] = label
    return found
