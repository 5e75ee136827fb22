"""Which latents are on together. Plain arrays in, plain arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit, prange


@njit(cache=True)
def last_of(starts, rows):
    """The last row of every latent, of rows that ascend; -1 where there is none."""
    last = np.full(starts.shape[0] - 1, -1, np.int64)
    for latent in range(last.shape[0]):
        if starts[latent + 1] > starts[latent]:
            last[latent] = rows[starts[latent + 1] - 1]
    return last


@njit(cache=True)
def _count_partners(latent, offsets, indices, starts, rows, order, counts, met):
    """Count the later entries of every row of the latent; how many partners, listed in `met`."""
    found = 0
    for n in range(starts[latent], starts[latent + 1]):
        for entry in range(order[n] + 1, offsets[rows[n] + 1]):
            partner = indices[entry]
            if counts[partner] == 0:
                met[found] = partner
                found += 1
            counts[partner] += 1
    return found


@njit(cache=True, parallel=True)
def _numbers_of_partners(offsets, indices, starts, rows, order, at_once):
    width = starts.shape[0] - 1
    numbers = np.zeros(width, np.int64)
    for start in prange((width + at_once - 1) // at_once):
        counts, met = np.zeros(width, np.int32), np.empty(width, np.int64)
        for latent in range(start * at_once, min((start + 1) * at_once, width)):
            found = _count_partners(latent, offsets, indices, starts, rows, order, counts, met)
            numbers[latent] = found
            counts[met[:found]] = 0
    return numbers


@njit(cache=True, parallel=True)
def _fill_partners(offsets, indices, starts, rows, order, at_once, begins, partners, together):
    width = starts.shape[0] - 1
    for start in prange((width + at_once - 1) // at_once):
        counts, met = np.zeros(width, np.int32), np.empty(width, np.int64)
        for latent in range(start * at_once, min((start + 1) * at_once, width)):
            found = _count_partners(latent, offsets, indices, starts, rows, order, counts, met)
            ascending = np.sort(met[:found])
            partners[begins[latent] : begins[latent + 1]] = ascending
            for n in range(found):
                together[begins[latent] + n] = counts[ascending[n]]
            counts[ascending] = 0


def pairs_of(offsets, indices, starts, rows, order):
    """Where every latent's partners begin, the partners, and on how many rows each is met.

    offsets and indices: of the code; starts, rows and order: of its transpose.
    """
    width = starts.shape[0] - 1
    # Latents that share scratch memory of the width's size.
    at_once = max(256, width // 64)
    begins = np.zeros(width + 1, np.int64)
    np.cumsum(_numbers_of_partners(offsets, indices, starts, rows, order, at_once), out=begins[1:])
    partners, together = np.empty(begins[-1], np.int64), np.empty(begins[-1], np.int64)
    _fill_partners(offsets, indices, starts, rows, order, at_once, begins, partners, together)
    return begins, partners, together
