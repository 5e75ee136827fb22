"""The k largest entries of every row over all processes, each of which has some of the latents.

1. Every process proposes its m largest entries of a row, with m above k / processes, and all of
   these values are gathered. T, the k-th largest of them, is the bound of the row.
2. Where some process's m-th value is not below T, that process may have more entries above T. For
   these rows alone every process proposes k, which is enough in any case.
3. Where more entries are equal to T than there is room for, the numbers of the equal ones are
   gathered, and the first latents are kept, as in one process.

Every process computes the same bound from the same values, so they agree without a further word,
and the result is exact: neither m nor the number of processes changes it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import comb
from typing import TypeAlias

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.codes import offsets_of
from sparsetime.support import Support
from sparsetime.training.distributed.exchange import Exchange

#: From a number of entries, and some rows (None: all), this process's largest of each row and their
#: scores.
Proposals: TypeAlias = Callable[
    [int, Int[Tensor, " some"] | None], tuple[Support, Float[Tensor, " entries"]]
]


def share_of_second_rounds(k: int, processes: int, proposed: int) -> float:
    """Bound on the share of rows that need a second round, where latents are placed at random.

        R · P(Binomial(k, 1 / R) >= m),    at most 1; 0 for m = k

    The k largest of a row fall on R processes as k balls into R boxes, and a box that receives m or
    more makes the row undecided. proposed: m.
    """
    if proposed >= k:
        return 0.0
    p = 1 / processes
    tail = sum(comb(k, n) * p**n * (1 - p) ** (k - n) for n in range(proposed, k + 1))
    return min(1.0, processes * tail)


@cache
def first_proposals(k: int, processes: int) -> int:
    """Entries of a row that a process proposes first: the m with the least expected cost.

        argmin_m  m + 4 k · share_of_second_rounds(k, R, m)

    A row of a second round is multiplied with the encoder again, so its values count four times.
    """
    return min(range(1, k + 1), key=lambda m: m + 4 * k * share_of_second_rounds(k, processes, m))


def largest_per_row(
    propose: Proposals,
    k: Int[Tensor, " rows"],
    width: int,
    exchange: Exchange,
) -> Support:
    """Select the own entries among the `k[row]` largest of every row over all latents.

    propose: `propose(m, rows)` gives this process's m largest entries. width: of all processes.
    Latent `i` of process `r` has the number `i * processes + r`; of equal entries the lowest
    numbers are kept.
    """
    most = max(1, int(k.max())) if k.numel() else 1
    enough = min(most, -(-width // exchange.size))
    first = min(enough, first_proposals(most, exchange.size))
    support, score = propose(first, None)
    kept, undecided = _kept(support, score, first, enough, k, exchange)
    if not bool(undecided.any()):
        return support.take(kept.nonzero()[:, 0])
    rows = undecided.nonzero()[:, 0]
    more, more_score = propose(enough, rows)
    more_kept, _ = _kept(more, more_score, enough, enough, k[rows], exchange)
    kept &= ~undecided[support.row_of_entry]
    row = torch.cat([support.row_of_entry[kept], rows[more.row_of_entry[more_kept]]])
    latent = torch.cat([support.indices[kept], more.indices[more_kept]])
    row, order = row.sort(stable=True)
    return Support(offsets_of(row, support.rows), latent[order], support.width)


def _kept(
    support: Support,
    score: Float[Tensor, " entries"],
    proposed: int,
    enough: int,
    k: Int[Tensor, " rows"],
    exchange: Exchange,
) -> tuple[Bool[Tensor, " entries"], Bool[Tensor, " rows"]]:
    """Which own proposals are among the k largest of all, and which rows need more proposals.

    proposed: entries of a row that each process proposed; `enough` of them decide every row.
    """
    row = support.row_of_entry
    own = score.new_full((support.rows, proposed), -torch.inf)
    own[row, torch.arange(len(row), device=row.device) - support.offsets[row]] = score
    of_all = exchange.gather(own)
    values = of_all.movedim(0, 1).flatten(1)
    largest = values.topk(min(int(k.max()) if k.numel() else 1, values.shape[1])).values
    last = (k.clamp_max(largest.shape[1]) - 1).clamp_min(0)
    bound = largest.gather(1, last[:, None])
    # Fewer proposals than k in all: everything is kept.
    bound = torch.where((k > largest.shape[1])[:, None], -torch.inf, bound)
    undecided = torch.zeros_like(bound[:, 0], dtype=torch.bool)
    if proposed < enough:
        # That of a process which has no more entries to propose is -inf.
        smallest = of_all.amin(2).T
        undecided = ((smallest >= bound) & (smallest > -torch.inf)).any(1)
    free = k - (values > bound).sum(1)
    equal = values == bound
    crowded = ~undecided & (equal.sum(1) > free) & (bound[:, 0] > -torch.inf)
    tied = score == bound[row, 0]
    kept = (score > bound[row, 0]) | tied
    if bool(crowded.any()):
        at_most = int(equal.view(len(k), exchange.size, -1).sum(2)[crowded].max())
        last_number = _last_of_equal(support, tied, crowded, free, at_most, exchange)
        number = support.indices * exchange.size + exchange.number
        kept &= ~(tied & crowded[row]) | (number <= last_number[row])
    return kept, undecided


def _last_of_equal(
    support: Support,
    tied: Bool[Tensor, " entries"],
    crowded: Bool[Tensor, " rows"],
    free: Int[Tensor, " rows"],
    at_most: int,
    exchange: Exchange,
) -> Int[Tensor, " rows"]:
    """The number of the last of the equal entries that there is room for, by row.

    at_most: equal entries of one process in a row.
    """
    chosen = tied & crowded[support.row_of_entry]
    row = support.row_of_entry[chosen]
    number = support.indices[chosen] * exchange.size + exchange.number
    none = torch.iinfo(torch.int64).max
    own = number.new_full((support.rows, at_most), none)
    # Numbers ascend within a row, so an entry's rank among the equal ones is its place in the row.
    counts = torch.bincount(row, minlength=support.rows)
    starts = counts.cumsum(0) - counts
    own[row, torch.arange(len(row), device=row.device) - starts[row]] = number
    rows = crowded.nonzero()[:, 0]
    numbers = exchange.gather(own[rows]).movedim(0, 1).flatten(1).sort(1).values
    last = torch.full_like(free, none)
    last[rows] = numbers.gather(1, (free[rows] - 1).clamp_min(0)[:, None])[:, 0]
    last[rows] = torch.where(free[rows] > 0, last[rows], -1)
    return last
