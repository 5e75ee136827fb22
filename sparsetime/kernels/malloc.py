"""Setting of the C library's allocator: freed memory stays with the process."""

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

    A training step frees and allocates the same few megabytes many times. The system clears new
    memory page by page, which costs more than the arithmetic on it. At most 1 GB is kept. Returns
    whether the C library has this setting: glibc has it, others do not.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT) and mallopt(_TRIM_THRESHOLD, _KEPT_IN_ALL))
