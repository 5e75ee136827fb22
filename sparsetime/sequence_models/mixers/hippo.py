"""HiPPO-LegS: the whole past of every channel as coefficients of Legendre polynomials."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.sequence_models.mixers.hippo_matrices import transition
from sparsetime.sequence_models.mixers.mixer import Mixer, MixerState
from sparsetime.sequence_models.sequence_component import Count


@final
@component("hippo", example={"d": 8, "states": 4})
class Hippo(Mixer):
    """Coefficients of the past that are updated online, without a time scale of their own.

        dc/dt = (A c + B x) / t                                       for each channel
        (I - A / 2(t + 1)) c_t = (I + A / 2t) c_{t-1} + B x_t / t     bilinear; c_0 = B x_0 / B_0
        y_t = W [c_t of all channels]

    A and B are fixed ("legs" of `hippo_matrices`). Because of 1 / t, the coefficients do not change
    where a signal is sampled at another rate.

    states: coefficients a channel. The state also counts steps.

    Source: Gu et al. 2020, HiPPO: recurrent memory with optimal polynomial projections,
    arXiv:2008.07669, section 3.
    """

    def __init__(self, d: Count, states: Count = 16) -> None:
        super().__init__(d=d, states=states)
        a, b = transition("legs", states)
        self.register_buffer("a", a, persistent=False)
        self.register_buffer("b", b, persistent=False)
        self.a: Tensor
        self.b: Tensor
        self.out = nn.Linear(d * states, d)

    def mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        """The outputs of all steps, the coefficients and the number of steps."""
        coefficients, steps = self.coefficients(x, past)
        after = {"coefficients": coefficients[:, -1], "steps": steps + x.shape[1]}
        return self.out(coefficients.flatten(2)), MixerState(after)

    def coefficients(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None = None
    ) -> tuple[Float[Tensor, "batch time d states"], Tensor]:
        """The coefficients after every step, and the steps before the first [batch]."""
        batch, _, d = x.shape
        if past is None:
            steps = torch.zeros(batch, dtype=torch.int64, device=x.device)
            c = x.new_zeros(batch, d, self.b.shape[0])
        else:
            steps, c = past["steps"], past["coefficients"]
        rows = []
        for number, value in enumerate(x.unbind(1)):
            count = (steps + number)[:, None, None].to(x.dtype)
            c = self._step(c, value[..., None], count)
            rows.append(c)
        return torch.stack(rows, 1), steps

    def _step(
        self,
        c: Float[Tensor, "batch d states"],
        value: Float[Tensor, "batch d 1"],
        count: Float[Tensor, "batch 1 1"],
    ) -> Float[Tensor, "batch d states"]:
        a, b = self.a.to(c.dtype), self.b.to(c.dtype)
        first = torch.zeros_like(b)
        first[0] = 1.0  # a constant signal is the first polynomial alone
        t = count.clamp_min(1)
        right = c + (c @ a.T) / (2 * t) + b * value / t
        system = torch.eye(len(b), dtype=c.dtype, device=c.device) - a / (2 * (t + 1))
        if bool((count == count[:1]).all()):
            system = system[:1]
        solved = torch.linalg.solve_triangular(system, right.transpose(1, 2), upper=False)
        return torch.where(count == 0, first * value, solved.transpose(1, 2))

    def state_size(self, time: int) -> int:
        """`states` coefficients a channel, and the number of steps."""
        return int(self.settings["d"]) * int(self.settings["states"]) + 1
