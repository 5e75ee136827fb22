"""Measures of attention heads: copying, look-back distance, future influence; silenced heads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.mass import attention_mass
from sparsetime.errors import DataError
from sparsetime.interventions.attention_heads import HeadSite
from sparsetime.models.wrappers import hook_input


@torch.no_grad()
def copy_scores(
    calls: Sequence[AttentionInputs], sources: Int[Tensor, "batch time"]
) -> Float[Tensor, "modules heads"]:
    """Share of copied tokens whose source is the most attended key of a head.

        score(h) = mean_t [argmax_j a_h(t, j) = source(t)]

    sources: for every step, the position of the token that it copies next, or -1 where it copies
    nothing. Heads of high score are retrieval heads.

    Source: Wu et al. 2024, Retrieval head mechanistically explains long-context factuality, 2.

    Errors: DataError where no step copies.
    """
    if not bool((sources >= 0).any()):
        raise DataError("got no copied step, expected sources of at least one; give positions")
    copies = sources >= 0
    scores = []
    for call in sorted(calls, key=lambda one: one.layer):
        mass = attention_mass(call, torch.arange(call.queries, device=call.q.device))
        hits = (mass.argmax(-1) == sources[:, None]) & copies[:, None]
        scores.append(hits.sum((0, 2)) / copies.sum())
    return torch.stack(scores)


@torch.no_grad()
def look_back_distance(
    calls: Sequence[AttentionInputs], longest: int
) -> Float[Tensor, "batch time"]:
    """Mean distance back of a step's attention, cut at a longest distance, over heads and modules.

        d(t) = mean_h sum_j a_h(t, j) min(t - j, longest)

    Source: Li et al. 2025, Attention illuminates LLM reasoning, equation 3 (windowed average
    attention distance).
    """
    total = None
    for call in calls:
        mass = attention_mass(call, torch.arange(call.queries, device=call.q.device))
        back = call.query_positions[:, None] - torch.arange(call.keys, device=mass.device)
        distance = (mass * back.clamp(0, longest)).sum(-1).mean(1)
        total = distance if total is None else total + distance
    if total is None:
        raise DataError("got no calls of attention modules, expected at least one")
    mean: Tensor = total / len(calls)
    return mean


@torch.no_grad()
def future_influence(
    calls: Sequence[AttentionInputs], nearest: int, farthest: int
) -> Float[Tensor, "batch time"]:
    """Mean attention that a step receives from later steps, over heads and modules.

        f(j) = mean_h mean_{nearest <= t - j <= farthest} a_h(t, j)

    A step with no later step in that range has NaN.

    Source: Li et al. 2025, Attention illuminates LLM reasoning, equation 4 (future attention
    influence).
    """
    total = None
    for call in calls:
        mass = attention_mass(call, torch.arange(call.queries, device=call.q.device)).mean(1)
        back = call.query_positions[:, None] - torch.arange(call.keys, device=mass.device)
        inside = (back >= nearest) & (back <= farthest)
        received = (mass * inside).sum(1) / inside.sum(0)
        total = received if total is None else total + received
    if total is None:
        raise DataError("got no calls of attention modules, expected at least one")
    mean: Tensor = total / len(calls)
    return mean


@contextmanager
def silenced_heads(
    model: nn.Module, sites: Sequence[HeadSite], heads: Mapping[str, Sequence[int]]
) -> Iterator[None]:
    """A block in which heads write nothing: their outputs are zero before the output projection.

    sites: of `attention_heads(model, inputs)`. heads: numbers of heads by the path of the module.

    Errors: DataError for a module that is none of the sites.
    """
    by_module = {site.module: site for site in sites}
    unknown = sorted(set(heads) - set(by_module))
    if unknown:
        raise DataError(
            f"got heads of {', '.join(unknown)}, expected modules of: {', '.join(by_module)}"
        )
    handles = []
    for path, numbers in heads.items():
        site = by_module[path]
        projection = model.get_submodule(site.site.removesuffix(":input"))
        handles.append(hook_input(projection, _silence(site, list(numbers))))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _silence(site: HeadSite, numbers: list[int]) -> Any:
    def hook(_: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        kept = args[0].unflatten(-1, (site.heads, site.size)).clone()
        kept[..., numbers, :] = 0
        return (kept.flatten(-2), *args[1:]), named

    return hook
