"""The note about a folder whose files have no checksums, once in a process."""

from __future__ import annotations

import logging

_log = logging.getLogger("sparsetime")
_noted: set[str] = set()  # folders of which that was said in this process


def note_unverified(folder: str, name: str) -> None:
    """Log once that a folder has files without checksums; `name` is one of them."""
    if folder in _noted:
        return
    _noted.add(folder)
    _log.warning(
        "%s has files without checksums, such as %s: sparsetime 0.1.0 wrote none. They "
        "are read unverified, and get checksums when they are next written",
        folder,
        name,
    )
