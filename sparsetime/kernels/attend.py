"""Block-sparse attention: exact softmax attention over the keys of a pattern, with gradients."""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.attention_pattern import AttentionPattern
from sparsetime.errors import MismatchError
from sparsetime.kernels.dispatch import backend


def attend(
    q: Float[Tensor, "batch heads queries d"],
    k: Float[Tensor, "batch key_heads keys d"],
    v: Float[Tensor, "batch key_heads keys d_value"],
    pattern: AttentionPattern,
    scale: float | None = None,
) -> tuple[Float[Tensor, "batch heads queries d_value"], Float[Tensor, "batch heads queries"]]:
    """Attention over the keys that the pattern reads, and its log-sum-exp (float32).

        out_i = sum_j exp(scale q_i · k_j - lse_i) v_j,   lse_i = log sum_j exp(scale q_i · k_j)

    j runs over the keys that query i reads; a query without keys has out 0 and lse -inf. Head h
    reads the keys of head `h // (heads / key_heads)` (grouped-query attention). Gradients of both
    to q, k and v are exact. scale: 1 / sqrt(d) by default.

    Errors: MismatchError for shapes that do not fit each other or the pattern.
    """
    _check(q, k, v, pattern)
    # A row of the pattern is a tile of queries whose heads read one head of keys.
    pattern = pattern.expand(q.shape[0], math.lcm(k.shape[1], pattern.heads))
    out, lse = _Attend.apply(q, k, v, pattern, scale or q.shape[-1] ** -0.5)  # type: ignore[no-untyped-call]
    return out, lse


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, pattern: AttentionPattern, scale: float
    ) -> tuple[Tensor, Tensor]:
        out, lse = backend(q).attend(q, k, v, pattern, scale)
        ctx.save_for_backward(q, k, v, out, lse)
        ctx.pattern, ctx.scale = pattern, scale
        ctx.set_materialize_grads(False)
        return out, lse

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        q, k, v, out, lse = ctx.saved_tensors
        to_out = torch.zeros_like(out) if grads[0] is None else grads[0]
        to_q, to_k, to_v = backend(q).attend_backward(
            to_out, grads[1], q, k, v, out, lse, ctx.pattern, ctx.scale
        )
        return to_q, to_k, to_v, None, None


def _check(q: Tensor, k: Tensor, v: Tensor, pattern: AttentionPattern) -> None:
    if q.shape[0] != k.shape[0] or k.shape[:3] != v.shape[:3] or q.shape[1] % k.shape[1]:
        raise MismatchError(
            f"got q {tuple(q.shape)}, k {tuple(k.shape)} and v {tuple(v.shape)}, expected one "
            "batch, as many values as keys, and heads of keys that divide those of queries"
        )
    if (pattern.queries, pattern.keys) != (q.shape[2], k.shape[2]):
        raise MismatchError(
            f"got a pattern of {pattern.queries} queries and {pattern.keys} keys for q of "
            f"{q.shape[2]} and k of {k.shape[2]}; make the pattern from the same lengths"
        )
    if pattern.batch not in (1, q.shape[0]) or q.shape[1] % pattern.heads:
        raise MismatchError(
            f"got a pattern of batch {pattern.batch} and {pattern.heads} heads for q of batch "
            f"{q.shape[0]} and {q.shape[1]} heads, expected batch 1 or {q.shape[0]}, and heads "
            f"that divide {q.shape[1]}"
        )
