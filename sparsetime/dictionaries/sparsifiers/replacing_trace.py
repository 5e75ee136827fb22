"""Replacing trace of codes: a latent keeps its last value, less the longer ago it fired."""

from __future__ import annotations

from typing import final

from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.sparsifiers.trace import TraceSparsifier
from sparsetime.dictionaries.state.traces import LeakyMaximum, Trace


@final
@component("replacing_trace", example={"inner": {"kind": "top_k", "k": 4}})
class ReplacingTrace(TraceSparsifier):
    """Replacing trace of the codes of an inner sparsifier, from the start of the sequence.

        e_i[t] = z_i[t] where |z_i[t]| >= decay |e_i[t-1]|, else decay e_i[t-1]
        0 where its magnitude is below `floor`

    Where a hidden state is seen now and then, how long ago it was seen last is nearly all that the
    past says of it.

    Source: Singh, Sutton 1996, Reinforcement learning with replacing eligibility traces, Machine
    Learning 22; its use on latents is this library's.
    """

    def start(self, streams: int, like: Tensor) -> Trace:
        return LeakyMaximum(like.new_zeros(streams, self.width), self.decay)
