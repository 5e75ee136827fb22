"""JumpReLU sparsifier: a learnt threshold per latent."""

from __future__ import annotations

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.sparsifiers.jump_base import JumpBase
from sparsetime.errors import ConfigError


@final
@component("jumprelu")
class JumpReLU(JumpBase):
    """JumpReLU sparsifier.

        z_i = pre_i where pre_i > theta_i, else 0
        dz_i / dtheta_i = -(theta_i / w_i) where |pre_i - theta_i| < w_i / 2, else 0
        w_i = bandwidth * theta_i / threshold

    The second line is the straight-through gradient, which is why the training rule also keeps
    entries just below the threshold. Threshold and bandwidth are in units of the normalised
    activation, whose mean squared distance from the mean is 1.

    log_threshold: [width], the logarithm of theta. `threshold` is its start for an encoder with
    rows of unit length; where the first codes are scaled to fit the data, it is scaled with them.
    The window w follows it: one of a fixed width would hold half of all latents where codes begin
    small. first_l0: all thresholds begin where this many latents are active on a row of the first
    batch, whatever `threshold` is. From higher ones L0 would not reach a target above it: Adam
    moves a logarithm by little in a short training, and a threshold that nothing comes near to by
    nothing. From lower ones steps would be far less sparse than the last.

    Source: Rajamanoharan et al. 2024, Jumping Ahead, arXiv:2407.14435; the window, there the same
    for all thresholds, and `first_l0` were chosen here.
    """

    latent_tensors = frozenset({"log_threshold"})

    def __init__(
        self,
        width: int,
        threshold: float = 0.05,
        bandwidth: float = 0.05,
        first_l0: float | None = None,
    ) -> None:
        if threshold <= 0 or bandwidth <= 0:
            raise ConfigError(
                f"got threshold={threshold} and bandwidth={bandwidth}, expected both above 0"
            )
        if first_l0 is not None and first_l0 <= 0:
            raise ConfigError(
                f"got first_l0={first_l0}, expected a mean number of active latents above 0, or "
                "None for thresholds that begin where they are given"
            )
        super().__init__(width=width, threshold=threshold, bandwidth=bandwidth, first_l0=first_l0)
        self.width, self.threshold, self.bandwidth = width, threshold, bandwidth
        self.first_l0 = first_l0
        self.log_threshold = nn.Parameter(torch.full((width,), threshold).log())

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        self.log_threshold.add_(math.log(factor))

    @torch.no_grad()
    def set_threshold(self, threshold: float) -> None:
        self.log_threshold.fill_(math.log(threshold))

    @property
    def window(self) -> float:
        return self.bandwidth / self.threshold

    def thresholds(self) -> Float[Tensor, " width"]:
        return self.log_threshold.exp()
