"""A hash of the sources that a check's outcome depends on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import sparsetime

_ROOMS = (
    "codes.py",
    "kernels",
    "models",
    "activations",
    "dictionaries",
    "training",
    "testbeds",
    "claims/lab",
    "claims/verdicts",
)


def code_version(check: Path) -> str:
    """Twelve hex digits over all rooms that a training goes through, and the claim's own file.

    Equal digits mean that a repetition would only cost time.
    """
    house = Path(sparsetime.__file__).parent
    files = [check, *(file for room in _ROOMS for file in _sources(house / room))]
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _sources(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.rglob("*.py"))
