"""Gated recurrent networks of torch: GRU and LSTM."""

from __future__ import annotations

from typing import Literal, final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.sequence_models.mixers.mixer import Mixer, MixerState
from sparsetime.sequence_models.sequence_component import Count


@final
@component("rnn", example={"d": 8})
class RNN(Mixer):
    """A gated recurrent layer.

        "gru"    h_t = (1 - z_t) n_t + z_t h_{t-1}
        "lstm"   c_t = f_t c_{t-1} + i_t g_t,   h_t = o_t tanh(c_t)

    Source: Cho et al. 2014, arXiv:1406.1078; Hochreiter and Schmidhuber 1997.
    """

    def __init__(self, d: Count, cell: Literal["gru", "lstm"] = "gru") -> None:
        super().__init__(d=d, cell=cell)
        kind = nn.GRU if cell == "gru" else nn.LSTM
        self.cell = kind(d, d, batch_first=True)
        self.names = ("hidden",) if cell == "gru" else ("hidden", "cell")

    def mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        """The hidden states of all steps, and the last."""
        start = None
        if past is not None:
            start = tuple(past[name][None].contiguous() for name in self.names)
        y, after = self.cell(x, start[0] if start and len(start) == 1 else start)
        last = (after,) if len(self.names) == 1 else after
        return y, MixerState({name: one[0] for name, one in zip(self.names, last, strict=True)})

    def state_size(self, time: int) -> int:
        """The hidden state, and the cell's for an LSTM."""
        return len(self.names) * int(self.settings["d"])
