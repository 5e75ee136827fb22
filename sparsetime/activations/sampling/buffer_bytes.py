"""Size of the shuffle buffer: 512 MB, or less where the process has less memory left."""

from __future__ import annotations

import re

from sparsetime.activations.sampling.available_memory import available_memory
from sparsetime.errors import ConfigError

#: Bytes of the buffer on every machine that has enough memory, so that all of them draw one order.
MOST = 512 * 10**6
_SHARE = 4  # of the memory that is left, one part
_LEAST = 16 * 10**6
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def parse_bytes(memory: str | int) -> int:
    """Bytes of "512MB", "2 GB", "1.5G" (powers of ten) or of a number."""
    if isinstance(memory, int):
        return memory
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)i?B?\s*", memory, re.IGNORECASE)
    if match is None:
        raise ConfigError(f"got memory={memory!r}, expected a size such as '512MB' or '2GB'")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def buffer_bytes(memory: str | int | None = None) -> int:
    """Bytes of the shuffle buffer; None: 512 MB, halved until it is a quarter of what is left.

    The order of samples that do not fit into the buffer depends on its size. So it takes steps of
    two, and is the same wherever 2 GB of memory are left.

    Errors: ConfigError for what is no size.
    """
    if memory is not None:
        return parse_bytes(memory)
    left = available_memory()
    size = MOST
    while left is not None and size > max(_LEAST, left // _SHARE):
        size //= 2
    return size
