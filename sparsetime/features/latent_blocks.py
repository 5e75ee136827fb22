"""A code cut into ranges of latents, so that statistics of each latent need little memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from sparsetime.codes import SparseCode


def latent_blocks(code: SparseCode, most: int) -> Iterator[tuple[int, SparseCode]]:
    """Consecutive ranges of latents: the first one, and the code of them alone, numbered from 0.

    most: entries of a range; only a range of one latent has more. A code of no more entries is one
    range. In a range the entries of a latent have the order that they have in the code.
    """
    if len(code.indices) <= most:
        yield 0, code
        return
    ends = torch.bincount(code.indices, minlength=code.width).cumsum(0).numpy()
    start = 0
    while start < code.width:
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + most, side="right")))
        entries = ((code.indices >= start) & (code.indices < stop)).nonzero().squeeze(1)
        yield (
            start,
            SparseCode(
                torch.searchsorted(entries, code.offsets),
                code.indices[entries] - start,
                code.values[entries],
                stop - start,
                code.shape,
            ),
        )
        start = stop
