"""The n largest positive entries of a whole batch over all processes (BatchTopK).

The bound is the n-th largest value. The bits of positive floats, read as integers, have the order
of the floats, so three histograms of their leading, middle and last bits, summed over processes,
give it exactly, in bytes that depend on neither batch nor width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.support import Support
from sparsetime.training.distributed.exchange import Exchange

#: From a number of entries a row, this process's largest of its rows together, and their values.
Proposals: TypeAlias = Callable[[int], tuple[Support, Float[Tensor, " entries"]]]

#: Shift and number of the bits of each histogram; the sign of a positive float is 0.
DIGITS = ((21, 10), (10, 11), (0, 10))


def first_proposals(k: int, processes: int) -> int:
    """Entries a row that a process proposes first: a quarter more than its share, at most k."""
    return min(k, -(-5 * k // (4 * processes)) + 1)


def largest_of_batch(
    propose: Proposals,
    room: int,
    first: int,
    width: int,
    place: Callable[[Support], Int[Tensor, " entries"]],
    exchange: Exchange,
) -> Support:
    """Select the own entries among the `room` largest of a batch, of all rows and latents.

    propose: `propose(m)` gives the `m * rows` largest of this process's rows. first: the m with
    which it begins. width: this process's latents. place: the number of an entry among all places
    of the batch; of equal entries the lowest are kept. exchange: with all processes that have
    latents or rows of the batch.
    """
    most = min(first, width)
    while True:
        support, values = propose(most)
        bits = values.clamp_min(0).view(torch.int32)
        bound, free = _bound(bits, room, exchange)
        # A process whose proposals are all in may have more.
        may_lack = most < width and len(bits) >= most * support.rows > 0
        if not exchange.count(int(may_lack and int(bits.min()) >= bound)):
            break
        most = min(width, 2 * most)
    kept, equal = bits > bound, (bits == bound) & (bits > 0)
    counts = exchange.gather(equal.sum()[None])[:, 0]
    if int(counts.sum()) <= free:
        return support.take((kept | equal).nonzero()[:, 0])
    places = place(support)
    own = places.new_full((int(counts.max()),), torch.iinfo(torch.int64).max)
    own[: int(equal.sum())] = places[equal]
    last = int(exchange.gather(own).flatten().sort().values[free - 1]) if free else -1
    return support.take((kept | (equal & (places <= last))).nonzero()[:, 0])


def _bound(bits: Int[Tensor, " entries"], room: int, exchange: Exchange) -> tuple[int, int]:
    """The bits of the `room`-th largest value of all, and the room that is left for equal ones.

    Where there are fewer positive values, the bound is 0, and there is room for all.
    """
    bound, free = 0, room
    among = bits[bits > 0]
    for shift, width in DIGITS:
        digits = (among >> shift) & ((1 << width) - 1)
        counts = exchange.total(torch.bincount(digits, minlength=1 << width)).flip(0)
        reached = counts.cumsum(0)
        if int(reached[-1]) < free:
            return 0, free
        position = int((reached < free).sum())
        free -= int(reached[position] - counts[position])
        digit = (1 << width) - 1 - position
        bound |= digit << shift
        among = among[digits == digit]
    return bound, free
