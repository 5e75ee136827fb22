"""Numba loops of last firings and co-activation counts."""

from __future__ import annotations

import numpy as np
from numba import njit, prange


@njit(cache=True)
def last_of(starts, rows):
    """The last row on which every latent is active, -1 for none; rows of a latent ascend."""
    last = np.full(starts.shape[0] - 1, -1, np.int64)
    for latent in range(last.shape[0]):
        if starts[latent + 1] > starts[latent]:
            last[latent] = rows[starts[latent + 1] - 1]
    return last


@njit(cache=True)
def _count_partners(latent, offsets, indices, starts, rows, order, counts, partners):
    """Count co-activations of a latent with larger latents, and return its number of partners.

    The partners are written to `partners` in order of first co-activation.
    """
    number = 0
    for n in range(starts[latent], starts[latent + 1]):
        for entry in range(order[n] + 1, offsets[rows[n] + 1]):
            partner = indices[entry]
            if counts[partner] == 0:
                partners[number] = partner
                number += 1
            counts[partner] += 1
    return number


@njit(cache=True, parallel=True)
def _numbers_of_partners(offsets, indices, starts, rows, order, at_once):
    width = starts.shape[0] - 1
    numbers = np.zeros(width, np.int64)
    for start in prange((width + at_once - 1) // at_once):
        counts, scratch = np.zeros(width, np.int32), np.empty(width, np.int64)
        for latent in range(start * at_once, min((start + 1) * at_once, width)):
            number = _count_partners(latent, offsets, indices, starts, rows, order, counts, scratch)
            numbers[latent] = number
            # Only used counters are reset: a memset of [width] a latent would cost width².
            counts[scratch[:number]] = 0
    return numbers


@njit(cache=True, parallel=True)
def _fill_partners(offsets, indices, starts, rows, order, at_once, begins, partners, together):
    width = starts.shape[0] - 1
    for start in prange((width + at_once - 1) // at_once):
        counts, scratch = np.zeros(width, np.int32), np.empty(width, np.int64)
        for latent in range(start * at_once, min((start + 1) * at_once, width)):
            number = _count_partners(latent, offsets, indices, starts, rows, order, counts, scratch)
            ascending = np.sort(scratch[:number])
            partners[begins[latent] : begins[latent + 1]] = ascending
            for n in range(number):
                together[begins[latent] + n] = counts[ascending[n]]
            counts[ascending] = 0


def pairs_of(offsets, indices, starts, rows, order):
    """Co-activation in compressed rows: offsets by latent, partners, and rows in common.

    offsets and indices: of the code; starts, rows and order: of its transpose. Two passes, one to
    size the arrays and one to fill them.
    """
    width = starts.shape[0] - 1
    # Latents that share scratch arrays of [width].
    at_once = max(256, width // 64)
    begins = np.zeros(width + 1, np.int64)
    np.cumsum(_numbers_of_partners(offsets, indices, starts, rows, order, at_once), out=begins[1:])
    partners, together = np.empty(begins[-1], np.int64), np.empty(begins[-1], np.int64)
    _fill_partners(offsets, indices, starts, rows, order, at_once, begins, partners, together)
    return begins, partners, together
