"""Strongest pairs of every head of a call, and how far back and how evenly its steps read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.mass import attention_mass

# Weights of dense attention that are held at once.
_WEIGHTS_AT_ONCE = 1 << 24


@final
@dataclass(frozen=True, eq=False)
class HeadPairs:
    """Strongest pairs of all heads of a call, and values of every step.

    keys: the most read keys of every query, the strongest first, -1 where there are fewer; weights:
    theirs in dense attention. distance: mean steps between a query and what it reads,
    `sum_j a(t, j) |t - j|`; entropy: `-sum_j a(t, j) ln a(t, j)`, in nats; received: mean attention
    that a step receives from the other steps that can read it, NaN where there is none.
    """

    keys: Int[Tensor, "heads time k"]
    weights: Float[Tensor, "heads time k"]
    distance: Float[Tensor, "heads time"]
    entropy: Float[Tensor, "heads time"]
    received: Float[Tensor, "heads time"]


@torch.no_grad()
def strongest_pairs(call: AttentionInputs, count: int) -> HeadPairs:
    """The strongest pairs of the first sequence of a call, `count` a query, in main memory."""
    count = min(count, call.keys)
    parts: list[tuple[Tensor, ...]] = []
    device = call.q.device
    received = torch.zeros(call.heads, call.keys, device=device)
    readers = torch.zeros(call.keys, device=device)
    at = torch.arange(call.keys, device=device)
    some = max(1, _WEIGHTS_AT_ONCE // (call.heads * call.keys))
    for queries in torch.arange(call.queries, device=device).split(some):
        mass = attention_mass(call, queries)[0]
        weights, keys = mass.topk(count)
        apart = (call.query_positions[queries, None] - at).abs()
        distance = (mass * apart).sum(-1)
        entropy = -torch.special.xlogy(mass, mass).sum(-1)
        parts.append((torch.where(weights > 0, keys, -1), weights, distance, entropy))
        received += (mass * (apart > 0)).sum(1)
        readers += _readable(call, queries, apart)
    keys, weights, distance, entropy = (torch.cat(one, 1) for one in zip(*parts, strict=True))
    share = torch.where(readers > 0, received / readers.clamp(min=1), torch.nan)
    return HeadPairs(*(one.cpu() for one in (keys, weights, distance, entropy, share)))


def _readable(call: AttentionInputs, queries: Tensor, apart: Tensor) -> Tensor:
    """Number of other queries that may read each key."""
    first, last = (limit[0, 0, queries, None] for limit in call.readable.limits)
    at = call.readable.positions[0, 0]
    return ((first <= at) & (at <= last) & (apart > 0)).sum(0)


def copy_share(
    keys: Int[Tensor, "heads time k"], tokens: Int[Tensor, " time"]
) -> Float[Tensor, " heads"]:
    """Share of repeated steps whose most read key is the token that followed the step's last copy.

    A step is repeated if its token stands earlier and the same token follows both. Heads of a high
    share copy (induction). NaN where no step is repeated.
    """
    seen: dict[int, int] = {}
    source = []
    numbers = tokens.tolist()
    for step, token in enumerate(numbers[:-1]):
        before = seen.get(token)
        follows = before is not None and numbers[before + 1] == numbers[step + 1]
        source.append(before + 1 if before is not None and follows else -1)
        seen[token] = step
    wanted = torch.tensor([*source, -1])
    some = wanted >= 0
    hits = (keys[..., 0] == wanted) & some
    share: Tensor = hits.sum(1) / some.sum()
    return share
