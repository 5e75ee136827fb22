"""Freed memory stays with the process while a loop runs that will ask for it again."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

# Of <malloc.h>. The first is the largest block that is kept; glibc allows at most 32 MB.
_MMAP_THRESHOLD, _LARGEST_KEPT = -3, 32 << 20
_TRIM_THRESHOLD, _KEPT_IN_ALL = -1, 1 << 30


@cache
def keep_freed_memory() -> bool:
    """Let the C library keep freed blocks instead of returning them to the system.

    A training step frees and asks again for the same few megabytes many times. Memory that comes
    anew from the system is cleared page by page, which costs more than the arithmetic on it. At
    most 1 GB is kept. Returns whether the C library could be told: glibc can, others cannot.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        tell = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return bool(tell(_MMAP_THRESHOLD, _LARGEST_KEPT) and tell(_TRIM_THRESHOLD, _KEPT_IN_ALL))
