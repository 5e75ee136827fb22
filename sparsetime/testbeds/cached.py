"""Testbeds and wheels in the user's cache folder: what is there, its size, and its removal."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import final

from sparsetime.errors import unknown_name
from sparsetime.testbeds.testbed import EARLIER_NAMES, cached_testbeds, testbed_names
from sparsetime.testbeds.wheels.fetch import cached_bytes, remove_wheel, where
from sparsetime.testbeds.wheels.register import WHEELS


@final
@dataclass(frozen=True)
class CachedItem:
    """A testbed or a wheel, and its copy on this machine.

    kind: "testbed" or "wheel". holds: its content. size: bytes to fetch; 0 of a testbed, which is
    computed. terms: the licence of a wheel. state: "", "built", "cached" or "installed". cached:
    bytes in the cache.
    """

    name: str
    kind: str
    holds: str
    size: int = 0
    terms: str = ""
    state: str = ""
    cached: int = 0


def cached_items() -> list[CachedItem]:
    """All testbeds, then all wheels."""
    beds = [_of_testbed(name, holds) for name, holds in testbed_names().items()]
    wheels = [
        CachedItem(
            name,
            "wheel",
            wheel.holds,
            wheel.size,
            wheel.terms,
            where(wheel),
            cached_bytes(wheel),
        )
        for name, wheel in WHEELS.items()
    ]
    return beds + wheels


def remove_cached(name: str) -> int:
    """Remove what the cache holds of a testbed, with any settings, or of a wheel; returns bytes.

    Errors: UnknownNameError with the nearest names.
    """
    if name.lower().replace("_", "-") in WHEELS:
        return remove_wheel(name)
    if EARLIER_NAMES.get(name, name) not in testbed_names():
        raise unknown_name("testbed or wheel", name, [*testbed_names(), *WHEELS])
    freed = _of_testbed(name, "").cached
    for folder in cached_testbeds(name):
        shutil.rmtree(folder)
    return freed


def _of_testbed(name: str, holds: str) -> CachedItem:
    files = [path for folder in cached_testbeds(name) for path in folder.rglob("*")]
    size = sum(path.stat().st_size for path in files if path.is_file())
    return CachedItem(name, "testbed", holds, state="built" if files else "", cached=size)
