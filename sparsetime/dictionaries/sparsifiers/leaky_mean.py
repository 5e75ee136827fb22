"""Leaky mean of codes: a latent keeps an exponentially weighted mean of its past values."""

from __future__ import annotations

from typing import final

from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.sparsifiers.trace import TraceSparsifier
from sparsetime.dictionaries.state.traces import LeakySum, Trace


@final
@component("leaky_mean", example={"inner": {"kind": "top_k", "k": 4}})
class LeakyMean(TraceSparsifier):
    """Leaky mean of the codes of an inner sparsifier, from the start of the sequence.

        z̄_i[t] = Σ_l decay^l z_i[t - l] / Σ_l decay^l,    0 where its magnitude is below `floor`

    It integrates evidence of what lasts longer than a window: a hidden state shows in how often
    latents fire. The memory is about 1 / (1 - decay) steps. The reconstruction is a mean of
    reconstructions.

    Source: Brown 1959, Statistical Forecasting for Inventory Control, for exponential smoothing;
    its use on latents is this library's.
    """

    def start(self, streams: int, like: Tensor) -> Trace:
        return LeakySum(like.new_zeros(streams, self.width), like.new_zeros(streams), self.decay)
