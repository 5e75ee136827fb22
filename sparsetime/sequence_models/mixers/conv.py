"""Causal convolution over time, a kernel for each channel."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.sequence_models.mixers.mixer import Mixer, MixerState
from sparsetime.sequence_models.reads import convolution_matrix
from sparsetime.sequence_models.sequence_component import Count


@final
@component("conv", example={"d": 8, "width": 3, "dilation": 2})
class Conv(Mixer):
    """Depthwise causal convolution, dilated in time.

        y_t[c] = b[c] + sum_{i < width} w[c, i] x_{t - i * dilation}[c]

    Source: van den Oord et al. 2016, arXiv:1609.03499 (dilated causal convolutions).
    """

    def __init__(self, d: Count, width: Count = 4, dilation: Count = 1) -> None:
        super().__init__(d=d, width=width, dilation=dilation)
        self.kernel = nn.Conv1d(d, d, width, dilation=dilation, groups=d)
        self.kept = (width - 1) * dilation

    def mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        """The outputs of all steps, and the inputs that later steps read."""
        fresh = x.new_zeros(x.shape[0], self.kept, x.shape[2])
        before = fresh if past is None else past["inputs"]
        inputs = torch.cat([before, x], 1)
        y = self.kernel(inputs.transpose(1, 2)).transpose(1, 2)
        return y, MixerState({"inputs": inputs[:, inputs.shape[1] - self.kept :]})

    def read_weights(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch d time time"]:
        """The weight of every input in each channel, which depends on its distance alone."""
        by_distance = x.new_zeros(x.shape[2], max(x.shape[1], self.kept + 1))
        by_distance[:, : self.kept + 1 : self.kernel.dilation[0]] = self.kernel.weight[:, 0].flip(1)
        weights = convolution_matrix(by_distance[:, : x.shape[1]])
        return weights.expand(x.shape[0], -1, -1, -1)

    def state_size(self, time: int) -> int:
        """The last (width - 1) * dilation inputs."""
        return self.kept * int(self.settings["d"])
