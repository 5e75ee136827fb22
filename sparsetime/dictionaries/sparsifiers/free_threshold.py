"""Threshold sparsifier: a threshold per latent that is stored as it is."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.sparsifiers.jump_base import JumpBase
from sparsetime.errors import ConfigError


@final
@component("free_threshold")
class FreeThreshold(JumpBase):
    """Threshold sparsifier: JumpReLU whose thresholds are parameters, and not their logarithms.

        z_i = relu(pre_i) where pre_i > theta_i, else 0
        dz_i / dtheta_i = -1 / window where |pre_i - theta_i| < theta_i · window / 2, else 0

    Dictionaries of other libraries have thresholds of 0 and below, whose logarithms do not exist;
    below 0 they act as 0 and have no gradient. The weights are kept bit for bit.

    threshold theta: [width]. window: of the straight-through gradient, as a multiple of theta.

    Source: Rajamanoharan et al. 2024, Jumping Ahead, arXiv:2407.14435; the window is that of the
    sparsifier `jumprelu`.
    """

    latent_tensors = frozenset({"threshold"})

    def __init__(self, width: int, window: float = 0.5) -> None:
        if window <= 0:
            raise ConfigError(f"got window={window}, expected a multiple of the threshold above 0")
        super().__init__(width=width, window=window)
        self.width, self._window = width, window
        self.threshold = nn.Parameter(torch.zeros(width))

    @property
    def window(self) -> float:
        return self._window

    def thresholds(self) -> Float[Tensor, " width"]:
        return self.threshold.relu()

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        self.threshold.mul_(factor)

    @torch.no_grad()
    def set_threshold(self, threshold: float) -> None:
        self.threshold.fill_(threshold)
