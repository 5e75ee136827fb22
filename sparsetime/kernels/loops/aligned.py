"""Memory that begins where a line of the cache does."""

from __future__ import annotations

import numpy as np
from numba import njit

_LINE = 64


@njit(cache=True)
def aligned_bytes(count):
    """Bytes of any content, uint8 [count], of which no vector of 64 lies on two lines.

    numpy and numba begin arrays at a multiple of 16 or 32 bytes; a vector on two lines takes two
    loads, and so did nearly every one.
    """
    whole = np.empty(count + _LINE, np.uint8)
    start = -whole.ctypes.data % _LINE
    return whole[start : start + count]
