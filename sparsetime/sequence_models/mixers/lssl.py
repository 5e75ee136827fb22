"""Linear state-space layer (LSSL): a fixed matrix A, computed as recurrence or convolution."""

from __future__ import annotations

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu

from sparsetime import seeds
from sparsetime.components import component
from sparsetime.sequence_models.mixers.hippo_matrices import Transition, transition
from sparsetime.sequence_models.mixers.mixer import Mixer, MixerState
from sparsetime.sequence_models.reads import convolution_matrix
from sparsetime.sequence_models.sequence_component import Count

_CHUNK = 32


@final
@component("lssl", example={"d": 8, "states": 4})
class LSSL(Mixer):
    """A linear state space with a dense transition, discretised for each channel's step size.

        dh/dt = A h + B x,  y = C h + E x
        h_t = F h_{t-1} + G x_t
        F = (I - D A / 2)^{-1} (I + D A / 2),  G = (I - D A / 2)^{-1} D B

    It is a recurrence and a convolution with the kernel K_j = C F^j G. Sequences are computed in
    chunks, each by the kernel and the state before it. Outputs are a gelu and a linear map of y.

    transition: A and B, of `hippo_matrices`; they stay fixed. states: dimension of h, a channel. D
    is learnt, initially from 0.001 to 0.1 on a geometric scale; C and E are learnt.

    Source: Gu et al. 2021, Combining recurrent, convolutional, and continuous-time models with
    linear state-space layers, arXiv:2110.13985, section 3.
    """

    def __init__(self, d: Count, states: Count = 16, transition: Transition = "legs") -> None:
        super().__init__(d=d, states=states, transition=transition)
        a, b = _fixed(transition, states)
        self.register_buffer("a", a)
        self.register_buffer("b", b)
        self.a: Tensor
        self.b: Tensor
        scale = torch.linspace(math.log(1e-3), math.log(1e-1), d) if d > 1 else torch.zeros(1)
        self.log_step = nn.Parameter(scale)
        self.read = nn.Linear(states, d, bias=False)
        self.skip = nn.Parameter(torch.ones(d))
        self.out = nn.Linear(d, d)

    def mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        """The outputs of all steps, and the state after the last."""
        h = None if past is None else past["state"]
        y, after = self.filtered(x, h)
        return self.out(gelu(y)), MixerState({"state": after})

    def filtered(
        self, x: Float[Tensor, "batch time d"], state: Float[Tensor, "batch d states"] | None = None
    ) -> tuple[Float[Tensor, "batch time d"], Float[Tensor, "batch d states"]]:
        """Y of all steps and h after the last, by chunks."""
        matrix, gain = self.discretised()
        length = min(_CHUNK, x.shape[1])
        powers = _powers(matrix, length + 1)  # F^0 ... F^length
        h = x.new_zeros(x.shape[0], x.shape[2], len(self.b)) if state is None else state
        weight = self.read.weight
        impulses = torch.einsum("jdnm,dm->djn", powers[:-1], gain)  # F^j G
        kernel = torch.einsum("djn,dn->dj", impulses, weight)
        reads = torch.einsum("jdnm,dn->djm", powers[1:], weight)  # C F^(j + 1)
        toeplitz = convolution_matrix(kernel)
        outputs = []
        for part in x.split(length, 1):
            n = part.shape[1]
            of_inputs = torch.einsum("dti,bid->btd", toeplitz[:, :n, :n], part)
            of_state = torch.einsum("djm,bdm->bjd", reads[:, :n], h)
            outputs.append(of_inputs + of_state + self.skip * part)
            written = torch.einsum("din,bid->bdn", impulses[:, :n].flip(1), part)
            h = torch.einsum("dnm,bdm->bdn", powers[n], h) + written
        return torch.cat(outputs, 1), h

    def convolved(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        """Y of whole sequences as one convolution, by the fast Fourier transform."""
        matrix, gain = self.discretised()
        column, kernel = gain, []
        for _ in range(x.shape[1]):
            kernel.append((column * self.read.weight).sum(-1))
            column = torch.einsum("dnm,dm->dn", matrix, column)
        size = 2 * x.shape[1]
        spectrum = torch.fft.rfft(torch.stack(kernel), n=size, dim=0)
        y = torch.fft.irfft(torch.fft.rfft(x, n=size, dim=1) * spectrum, n=size, dim=1)
        outputs: Tensor = y[:, : x.shape[1]] + self.skip * x
        return outputs

    def discretised(
        self,
    ) -> tuple[Float[Tensor, "d states states"], Float[Tensor, "d states"]]:
        """F and G of every channel, by the bilinear rule."""
        a, b = self.a.to(self.log_step.dtype), self.b.to(self.log_step.dtype)
        size = self.log_step.exp()[:, None, None]
        unit = torch.eye(len(b), dtype=a.dtype, device=a.device)
        system = unit - size / 2 * a
        right = torch.cat([unit + size / 2 * a, size * b[:, None]], 2)
        solved = torch.linalg.solve(system, right)
        return solved[..., :-1], solved[..., -1]

    def read_weights(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch d time time"]:
        """The weight of every input in each channel: its impulse response at their distance."""
        impulse = x.new_zeros(1, x.shape[1], x.shape[2])
        impulse[:, 0] = 1.0
        response = self.filtered(impulse)[0][0]
        return convolution_matrix(response.T).expand(x.shape[0], -1, -1, -1)

    def state_size(self, time: int) -> int:
        """`states` numbers a channel."""
        return int(self.settings["d"]) * int(self.settings["states"])


def _fixed(kind: Transition, states: int) -> tuple[Tensor, Tensor]:
    generator = None
    if kind == "random":
        generator = seeds.torch_generator(0, "random transition", states)
    return transition(kind, states, generator)


def _powers(
    matrix: Float[Tensor, "d states states"], count: int
) -> Float[Tensor, "count d states states"]:
    """F^0, ..., F^(count - 1), by doubling."""
    unit = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    powers, factor = unit.expand_as(matrix)[None], matrix
    while len(powers) < count:
        powers = torch.cat([powers, powers @ factor])
        factor = factor @ factor
    return powers[:count]
