"""Reference of block-sparse attention: dense scores under the mask of the pattern."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.attention_pattern import AttentionPattern


def attend(
    q: Float[Tensor, "batch heads queries d"],
    k: Float[Tensor, "batch key_heads keys d"],
    v: Float[Tensor, "batch key_heads keys d_value"],
    pattern: AttentionPattern,
    scale: float,
) -> tuple[Float[Tensor, "batch heads queries d_value"], Float[Tensor, "batch heads queries"]]:
    """See `attend.attend`; the pattern has as many heads as keys have, or a multiple."""
    weights, lse = _weights(q, k, pattern, scale)
    return (weights @ _to_heads(v.float(), q.shape[1])).to(q.dtype), lse


def attend_backward(
    grad: Float[Tensor, "batch heads queries d_value"],
    lse_grad: Float[Tensor, "batch heads queries"] | None,
    q: Float[Tensor, "batch heads queries d"],
    k: Float[Tensor, "batch key_heads keys d"],
    v: Float[Tensor, "batch key_heads keys d_value"],
    out: Float[Tensor, "batch heads queries d_value"],
    lse: Float[Tensor, "batch heads queries"],
    pattern: AttentionPattern,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients to q, k and v, of a gradient of `out`, and of one of `lse` where there is one."""
    with torch.enable_grad():
        inputs = [t.detach().requires_grad_() for t in (q, k, v)]
        again, sums = attend(inputs[0], inputs[1], inputs[2], pattern, scale)
        total = (again * grad).sum()
        if lse_grad is not None:
            total = total + (torch.where(sums.isneginf(), 0.0, sums) * lse_grad).sum()
        to_q, to_k, to_v = torch.autograd.grad(total, inputs)
    return to_q, to_k, to_v


def _weights(
    q: Tensor, k: Tensor, pattern: AttentionPattern, scale: float
) -> tuple[Tensor, Tensor]:
    mask = pattern.mask().repeat_interleave(q.shape[1] // pattern.heads, 1)
    scores = scale * (q.float() @ _to_heads(k.float(), q.shape[1]).mT)
    scores = scores.masked_fill(~mask, -torch.inf)
    # A query without keys would have an undefined gradient.
    reads = mask.any(-1)
    lse = torch.logsumexp(scores.masked_fill(~reads[..., None], 0.0), -1)
    weights = torch.exp(scores - lse[..., None])
    return weights, torch.where(reads, lse, -torch.inf)


def _to_heads(keys: Float[Tensor, "batch key_heads keys d"], heads: int) -> Tensor:
    return keys.repeat_interleave(heads // keys.shape[1], 1)
