"""Prefix softmax (Aaren): attention with a learnt query, computed as a recurrence."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.kernels.diagonal_scan import diagonal_scan
from sparsetime.sequence_models.mixers.mixer import Mixer, MixerState, check_divides
from sparsetime.sequence_models.sequence_component import Count


@final
@component("prefix_softmax", example={"d": 8, "heads": 2})
class PrefixSoftmax(Mixer):
    """Attention whose query does not depend on the step, so that its sums are running sums.

        y_t = sum_{i <= t} exp(s_i) v_i / sum_{i <= t} exp(s_i),   s_i = q k_i / sqrt(d_head)

    With m_t the largest s so far, numerator and denominator are diagonal scans,

        u_t = exp(m_{t-1} - m_t) u_{t-1} + exp(s_t - m_t) [v_t, 1]

    so memory is constant and no exponential overflows.

    Source: Feng et al. 2024, Attention as an RNN, arXiv:2405.13956, section 3.2.
    """

    def __init__(self, d: Count, heads: Count = 4) -> None:
        super().__init__(d=d, heads=heads)
        check_divides(heads, d)
        self.heads = heads
        self.query = nn.Linear(d, 1, bias=False)  # a row of d numbers, initialised as weights are
        self.keys = nn.Linear(d, d, bias=False)
        self.values = nn.Linear(d, d, bias=False)
        self.out = nn.Linear(d, d, bias=False)

    def mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        """The outputs of all steps, and the running sums with their largest score."""
        score = self._scores(x)
        values = self.values(x).unflatten(2, (self.heads, -1))
        sums = None
        if past is None:
            before = score.new_full((x.shape[0], self.heads), -torch.inf)
        else:
            sums = past["sums"]
            is_new = sums[..., -1] == 0
            before = torch.where(is_new, -torch.inf, past["largest"])
            sums = sums.flatten(1)
        # The result does not depend on the offset m, so it needs no gradient.
        largest = torch.maximum(score.detach().cummax(1).values, before[:, None])
        previous = torch.cat([before[:, None], largest[:, :-1]], 1)
        weight = (score - largest).exp()[..., None]
        inputs = torch.cat([weight * values, weight], -1)
        decay = (previous - largest).exp()[..., None].expand_as(inputs)
        summed = diagonal_scan(decay.flatten(2), inputs.flatten(2), sums).unflatten(
            2, (self.heads, -1)
        )
        y = summed[..., :-1] / summed[..., -1:]
        after = {"sums": summed[:, -1], "largest": largest[:, -1]}
        return self.out(y.flatten(2)), MixerState(after)

    def read_weights(
        self, x: Float[Tensor, "batch time d"]
    ) -> Float[Tensor, "batch heads time time"]:
        """The weight of every value: a softmax over the steps so far."""
        score = self._scores(x).transpose(1, 2)[:, :, None].expand(-1, -1, x.shape[1], -1)
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
        weights: Tensor = score.masked_fill(later, -torch.inf).softmax(-1)
        return weights

    def _scores(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time heads"]:
        keys = self.keys(x).unflatten(2, (self.heads, -1))
        query = self.query.weight.reshape(self.heads, -1)
        # The query has weights of size 1 / sqrt(d), which are brought to size 1.
        scores: Tensor = (keys * query).sum(-1) * (x.shape[2] / query.shape[1]) ** 0.5
        return scores

    def state_size(self, time: int) -> int:
        """Numerator (d), denominator and largest score of every head."""
        return int(self.settings["d"]) + 2 * self.heads
