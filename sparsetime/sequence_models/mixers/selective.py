"""Selective state space (Mamba): a diagonal scan whose step sizes and inputs depend on the data."""

from __future__ import annotations

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu, softplus

from sparsetime.components import component
from sparsetime.kernels.diagonal_scan import diagonal_scan
from sparsetime.sequence_models.mixers.conv import Conv
from sparsetime.sequence_models.mixers.mixer import Mixer, MixerState
from sparsetime.sequence_models.sequence_component import Count


@final
@component("selective", example={"d": 8, "states": 3})
class Selective(Mixer):
    """The layer of Mamba: a short convolution, a selective scan, and a gate.

        h_t = exp(D_t A) h_{t-1} + D_t B_t u_t,     y_t = (C_t h_t + E u_t) * silu(z_t)

    u: silu of a causal convolution of a linear map of x; z another linear map. D_t = softplus of a
    linear map of u_t, a number a channel; B_t and C_t linear in u_t, shared by channels;
    A = -exp(log_rate), initially -1, ..., -states.

    expand: channels of u, as a multiple of d. width: steps of the convolution. rank: of the map to
    D_t, d / 16 without it.

    Source: Gu and Dao 2023, arXiv:2312.00752, section 3.
    """

    def __init__(
        self,
        d: Count,
        states: Count = 16,
        expand: Count = 2,
        width: Count = 4,
        rank: Count | None = None,
    ) -> None:
        super().__init__(d=d, states=states, expand=expand, width=width, rank=rank)
        inner, rank = expand * d, rank or -(-d // 16)
        self.splits = (rank, states, states)
        self.inputs = nn.Linear(d, 2 * inner, bias=False)
        self.conv = Conv(inner, width)
        self.conv.sites.clear()  # it is computed by `mix`, which no site of its own sees
        self.select = nn.Linear(inner, sum(self.splits), bias=False)
        self.step = nn.Linear(rank, inner)
        # Step sizes begin between 0.001 and 0.1, on a geometric scale.
        sizes = torch.linspace(math.log(1e-3), math.log(1e-1), inner).exp()
        with torch.no_grad():
            self.step.bias.copy_(torch.expm1(sizes).log())
        rates = torch.arange(1, states + 1, dtype=torch.float32).log()
        self.log_rate = nn.Parameter(rates.expand(inner, states).clone())
        self.skip = nn.Parameter(torch.ones(inner))
        self.out = nn.Linear(inner, d, bias=False)

    def mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        """The outputs of all steps, the convolution's inputs and the state after the last."""
        u, gate = self.inputs(x).chunk(2, -1)
        u, inputs = self.conv.mix(u, past)
        u = silu(u)
        y, state = self._scanned(u, u, None if past is None else past["state"])
        after = {"inputs": inputs["inputs"], "state": state}
        return self.out(y * silu(gate)), MixerState(after)

    def read_weights(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch 1 time time"]:
        """The weight of every convolved input u in the scan, as the mean over channels.

        The scan is linear in u where step sizes, B and C are held, which themselves depend on u.

        Source: Ali et al. 2024, The hidden attention of Mamba models, arXiv:2403.01590.
        """
        u = silu(self.conv.mix(self.inputs(x).chunk(2, -1)[0], None)[0])
        columns = []
        for step in range(x.shape[1]):
            impulse = torch.zeros_like(u)
            impulse[:, step] = 1.0
            columns.append(self._scanned(u, impulse, None)[0].mean(-1))
        return torch.stack(columns, -1)[:, None]

    def _scanned(self, u: Tensor, values: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """The scan of values, selected by u, and its last state."""
        low, write, read = self.select(u).split(self.splits, -1)
        step = softplus(self.step(low))
        decay = (step[..., None] * -self.log_rate.exp()).exp()
        pushed = (step * values)[..., None] * write[:, :, None]
        start = None if state is None else state.flatten(1)
        h = diagonal_scan(decay.flatten(2), pushed.flatten(2), start)
        h = h.unflatten(2, (-1, self.splits[1]))
        return (h @ read[..., None])[..., 0] + self.skip * values, h[:, -1]

    def state_size(self, time: int) -> int:
        """`states` numbers for each of expand * d channels, and the convolution's inputs."""
        inner = int(self.settings["expand"]) * int(self.settings["d"])
        return inner * (int(self.settings["states"]) + self.conv.kept)
