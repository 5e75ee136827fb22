"""Hopfield retrieval: sparse attention to learnt patterns, or to earlier steps."""

from __future__ import annotations

from typing import Literal, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.sequence_models.mixers.key_value_memory import KeyValueMixer
from sparsetime.sequence_models.sequence_component import Count, Positive

Separation = Literal["softmax", "sparsemax", "entmax"]


@final
@component("hopfield", example={"d": 8, "heads": 2})
class Hopfield(KeyValueMixer):
    """One retrieval step of a modern Hopfield network whose memory is the sequence so far.

        y_t = sum_{i <= t} sep_i(beta q_t k_i / sqrt(d_head)) v_i

    sep: "softmax"; "sparsemax", the nearest point of the simplex, which gives most steps the weight
    0 exactly; "entmax", with alpha 1.5 between the two. beta: inverse temperature.

    Source: Ramsauer et al. 2020, arXiv:2008.02217; sparse: Hu et al. 2023, arXiv:2309.12673;
    STanHop: Wu et al. 2023, arXiv:2312.17346.
    """

    def __init__(
        self,
        d: Count,
        heads: Count = 4,
        separation: Separation = "entmax",
        beta: Positive = 1.0,
    ) -> None:
        super().__init__(d=d, heads=heads, separation=separation, beta=beta)
        self.separation, self.beta = separation, beta

    def weights(
        self, q: Tensor, k: Tensor, allowed: Bool[Tensor, ...]
    ) -> Float[Tensor, "batch heads queries keys"]:
        """The weight of every value, which sums to 1 in each row."""
        score = self.beta * (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
        return separate(score.masked_fill(~allowed, -torch.inf), self.separation)


def separate(
    score: Float[Tensor, "*shape keys"], separation: Separation
) -> Float[Tensor, "*shape keys"]:
    """Scores as weights that sum to 1; a score of minus infinity has the weight 0.

        softmax     exp(s_i) / sum_j exp(s_j)
        sparsemax   max(0, s_i - t)
        entmax      max(0, s_i / 2 - t)^2

    The threshold t, found by sorting, makes the sum 1; its gradient is that of the closed form on
    the kept entries.

    Source: Martins and Astudillo 2016, arXiv:1602.02068; Peters et al. 2019, arXiv:1905.05702.
    """
    if separation == "softmax":
        return score.softmax(-1)
    shifted = score - score.amax(-1, keepdim=True).detach()
    if separation == "sparsemax":
        return (shifted - _sparsemax_threshold(shifted)).clamp_min(0)
    half = shifted / 2
    return (half - _entmax_threshold(half)).clamp_min(0).square()


def _sparsemax_threshold(score: Tensor) -> Tensor:
    ordered = score.sort(-1, descending=True).values
    finite = ordered.masked_fill(ordered == -torch.inf, -1e4)
    count = torch.arange(1, score.shape[-1] + 1, device=score.device, dtype=score.dtype)
    thresholds = (finite.cumsum(-1) - 1) / count
    kept = (finite > thresholds).sum(-1, keepdim=True)
    return thresholds.gather(-1, kept - 1)


def _entmax_threshold(half: Tensor) -> Tensor:
    ordered = half.sort(-1, descending=True).values
    finite = ordered.masked_fill(ordered == -torch.inf, -1e4)
    count = torch.arange(1, half.shape[-1] + 1, device=half.device, dtype=half.dtype)
    mean = finite.cumsum(-1) / count
    spread = count * (finite.square().cumsum(-1) / count - mean.square())
    root = ((1 - spread) / count).clamp_min(1e-12).sqrt()
    thresholds = mean - root
    kept = (thresholds <= finite).sum(-1, keepdim=True)
    return thresholds.gather(-1, kept - 1)
