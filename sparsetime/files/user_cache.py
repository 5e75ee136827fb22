"""The user's cache folder, in which what can be made or fetched again is kept."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache(name: str) -> Path:
    """The folder `sparsetime/<name>` of the user's cache: `$XDG_CACHE_HOME`, by default `~/.cache`.

    It is not created.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sparsetime" / name
