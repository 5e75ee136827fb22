"""Folders whose files register themselves: to add one is to write it."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module


@cache
def read_folder(package: str) -> None:
    """Import every file of a package, once."""
    folder = import_module(package)
    for module in pkgutil.iter_modules(folder.__path__):
        import_module(f"{package}.{module.name}")
