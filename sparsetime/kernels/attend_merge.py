"""Exact merge of attention over disjoint sets of keys, by their log-sum-exp."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import MismatchError


def merge(
    parts: list[tuple[Float[Tensor, "*rows d"], Float[Tensor, " *rows"]]],
) -> tuple[Float[Tensor, "*rows d"], Float[Tensor, " *rows"]]:
    """Attention over the union of disjoint sets of keys, from output and log-sum-exp of each.

        out = sum_n exp(lse_n - lse) out_n,   lse = log sum_n exp(lse_n)

    Errors: MismatchError for no parts.
    """
    if not parts:
        raise MismatchError("got no parts, expected at least one to merge")
    outs, sums = zip(*parts, strict=True)
    stacked = torch.stack(sums)
    lse = torch.logsumexp(stacked, 0)
    weight = torch.exp(stacked - torch.where(lse.isneginf(), 0.0, lse))
    out = (weight[..., None] * torch.stack(outs)).sum(0)
    return out.to(outs[0].dtype), lse
