"""Diagonal state space (S4D): every channel is filtered by damped oscillators."""

from __future__ import annotations

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.kernels.diagonal_scan import diagonal_scan
from sparsetime.sequence_models.mixers.mixer import Mixer, MixerState
from sparsetime.sequence_models.reads import convolution_matrix
from sparsetime.sequence_models.sequence_component import Count


@final
@component("state_space", example={"d": 8, "states": 3})
class StateSpace(Mixer):
    """A linear state space with a diagonal transition, for each channel on its own.

        h_t = exp(D A) h_{t-1} + (exp(D A) - 1) / A * x_t,    A_n = -1/2 + i pi n
        y_t = 2 Re(C h_t) + E x_t

    D: step size of the channel, learnt, initially from 0.001 to 0.1 on a geometric scale. C, E and
    A are learnt; the real part of A stays negative, so the state cannot grow without bound.

    states: complex numbers a channel. Discretised with a constant input within a step.

    Source: Gu et al. 2022, S4D, arXiv:2206.11893 (S4D-Lin, zero-order hold).
    """

    def __init__(self, d: Count, states: Count = 16) -> None:
        super().__init__(d=d, states=states)
        self.log_damping = nn.Parameter(torch.full((d, states), math.log(0.5)))
        self.frequency = nn.Parameter(math.pi * torch.arange(states).expand(d, states).clone())
        scale = torch.linspace(math.log(1e-3), math.log(1e-1), d) if d > 1 else torch.zeros(1)
        self.log_step = nn.Parameter(scale)
        self.read = nn.Linear(2 * states, d, bias=False)
        self.skip = nn.Parameter(torch.ones(d))
        self.out = nn.Linear(d, d)

    def mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        """The outputs of all steps, and the oscillators' state after the last."""
        start = None if past is None else past["state"].flatten(1)
        y, after = self._filtered(x, start)
        return self.out(nn.functional.gelu(y)), MixerState({"state": after})

    def read_weights(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch d time time"]:
        """The weight of every input in each channel: its impulse response at their distance."""
        time = x.shape[1]
        impulse = x.new_zeros(1, time, x.shape[2])
        impulse[:, 0] = 1.0
        response = self._filtered(impulse, None)[0][0]
        return convolution_matrix(response.T).expand(x.shape[0], -1, -1, -1)

    def _filtered(self, x: Tensor, start: Tensor | None) -> tuple[Tensor, Tensor]:
        decay, gain = self.discretised()
        inputs = (x[..., None] * gain).flatten(2)
        h = diagonal_scan(decay.flatten()[None, None], inputs, start).unflatten(2, decay.shape)
        weight = self.read.weight.unflatten(1, (2, -1))
        y = 2 * (h.real * weight[:, 0] - h.imag * weight[:, 1]).sum(-1) + self.skip * x
        return y, h[:, -1]

    def discretised(self) -> tuple[Tensor, Tensor]:
        """Decay and gain of every channel and state [d, states], complex."""
        rate = torch.complex(-self.log_damping.exp(), self.frequency)
        decay = (rate * self.log_step.exp()[:, None]).exp()
        return decay, (decay - 1) / rate

    def state_size(self, time: int) -> int:
        """`states` complex numbers a channel."""
        return 2 * int(self.settings["d"]) * int(self.settings["states"])
