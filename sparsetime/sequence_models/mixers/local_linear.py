"""Local linear attention: a weighted linear regression of values on keys at every query."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.sequence_models.mixers.key_value_memory import KeyValueMixer
from sparsetime.sequence_models.sequence_component import Count, Positive

_BLOCK = 64  # queries that are solved at once


@final
@component("local_linear", example={"d": 8, "heads": 2})
class LocalLinear(KeyValueMixer):
    """The intercept of a linear regression of values on keys around the query.

        y_t = b*,  (b*, W*) = argmin sum_{i <= t} w_i |v_i - b - W (k_i - q_t)|^2 + r |W|^2
        w_i = exp(q_t k_i / sqrt(d_head) - max)

    Softmax attention is the same fit of a constant; it is biased where values change along keys.
    In closed form, with z_i = k_i - q_t, s = sum w_i, m = sum w_i z_i, S = sum w_i z_i z_i^T + r I
    and p = S^{-1} m, a value has the weight

        w_i (1 - p z_i) / (s - m p)

    which can be negative. Computed for blocks of queries, each a solve of d_head equations.

    ridge: r. The state holds all earlier keys and values.

    Source: Zuo et al. 2025, Local linear attention, arXiv:2510.01450, eq. 6 to 8.
    """

    def __init__(self, d: Count, heads: Count = 4, ridge: Positive = 0.1) -> None:
        super().__init__(d=d, heads=heads, ridge=ridge)
        self.ridge = ridge

    def weights(
        self, q: Tensor, k: Tensor, allowed: Bool[Tensor, ...]
    ) -> Float[Tensor, "batch heads queries keys"]:
        """The weight of every value in every output."""
        parts = zip(q.split(_BLOCK, 2), allowed.split(_BLOCK, -2), strict=True)
        return torch.cat([self._of_block(one, k, mask) for one, mask in parts], 2)

    def _of_block(self, q: Tensor, k: Tensor, allowed: Tensor) -> Tensor:
        score = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
        score = score.masked_fill(~allowed, -torch.inf)
        w = (score - score.amax(-1, keepdim=True)).exp()
        total = w.sum(-1)
        # Sums of differences are expanded, so that no [queries, keys, d] tensor is made; around the
        # mean of the queries, since large common parts would cancel in float32.
        centre = q.mean(-2, keepdim=True)
        q, k = q - centre, k - centre
        sum_k = w @ k
        m = sum_k - total[..., None] * q
        outer = (k[..., :, None] * k[..., None, :]).flatten(-2)
        second = (w @ outer).unflatten(-1, (k.shape[-1], k.shape[-1]))
        cross = sum_k[..., :, None] * q[..., None, :]
        square = total[..., None, None] * q[..., :, None] * q[..., None, :]
        ridge = self.ridge * torch.eye(k.shape[-1], dtype=k.dtype, device=k.device)
        covariance = second - cross - cross.transpose(-1, -2) + square + ridge
        p = torch.linalg.solve(covariance, m[..., None])[..., 0]
        along = p @ k.transpose(-1, -2) - (p * q).sum(-1, keepdim=True)
        weights: Tensor = w * (1 - along) / (total - (m * p).sum(-1))[..., None]
        return weights
