"""The folder or URL that an argument gives, as text."""

from __future__ import annotations

import os
from typing import Any

from sparsetime.errors import ConfigError


def folder_url(value: Any, argument: str = "out") -> str:
    """The path or URL of a folder, as text.

    Errors: ConfigError naming the argument for None, "" and whatever is no path.
    """
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise ConfigError(
            f"got {argument}={value!r}, expected the path or URL of a folder; give one, such as "
            f"{argument}='runs/x'"
        )
    return str(os.fspath(value))
