"""Firing-rate bias: thresholds that hold every group of latents at its firing rate."""

from __future__ import annotations

from statistics import NormalDist
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support


@final
@component("adapted_bias", example={"frequencies": [0.1, 0.05]})
class FiringRateBias(Sparsifier):
    """Firing-rate bias sparsifier, with thresholds that no gradient moves.

        z_i = pre_i where pre_i > theta_i, else 0
        theta_i <- max(0, theta_i + pace peak_i clamp(rate_i / f_i - 1, -1, 1))

    A silent latent has the mean peak of the firing ones instead of its own.

    frequencies f: target firing rates of equal, contiguous groups of latents. pace: the largest
    change in a step, as a fraction of the peak. ema_decay: averaging factor of rate and peak.

    threshold theta, rate, peak: [width]; rate and peak are running means over steps of the fraction
    of rows on which a latent fires, and of its largest pre-activation.

    Source: Group Bias Adaptation in Chen et al. 2025, Taming Polysemanticity in LLMs,
    arXiv:2506.14002, written from the abstract and accounts of it. There a threshold falls only
    where a latent is nearly silent.
    """

    threshold: Tensor
    rate: Tensor
    peak: Tensor
    steps: Tensor

    undivided = "its targets are of neighbouring latents, and silent ones follow the mean of all"

    def __init__(
        self,
        width: int,
        frequencies: tuple[float, ...] | list[float],
        pace: float = 0.1,
        ema_decay: float = 0.9,
    ) -> None:
        groups = list(frequencies)
        if not groups or len(groups) > width or not all(0 < f < 1 for f in groups):
            raise ConfigError(
                f"got frequencies={groups}, expected shares of rows between 0 and 1, one for each "
                f"group of the {width} latents"
            )
        if not 0 < pace < 1 or not 0 <= ema_decay < 1:
            raise ConfigError(
                f"got pace={pace} and ema_decay={ema_decay}, expected a pace between 0 and 1, "
                "and ema_decay of at least 0 and below 1"
            )
        super().__init__(width=width, frequencies=groups, pace=pace, ema_decay=ema_decay)
        self.width, self.frequencies, self.pace, self.ema_decay = width, groups, pace, ema_decay
        self.register_buffer("threshold", torch.zeros(width))
        self.register_buffer("rate", torch.zeros(width))
        self.register_buffer("peak", torch.zeros(width))
        self.register_buffer("steps", torch.tensor(0))

    @property
    def group(self) -> Tensor:
        """The group of every latent: [width]."""
        latents = torch.arange(self.width, device=self.threshold.device)
        return latents * len(self.frequencies) // self.width

    @torch.no_grad()
    def init_from_data(self, x: Float[Tensor, "rows d"]) -> None:
        """Thresholds at which random directions would fire as often as they should."""
        spread = (x.square().sum(1).mean() / x.shape[1]).sqrt()
        normal = NormalDist()
        above = [max(0.0, normal.inv_cdf(1 - f)) for f in self.frequencies]
        self.threshold.copy_(spread * self.threshold.new_tensor(above)[self.group])

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.ThresholdRule(self.threshold)

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu()

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        latents, pre = step.support.indices, step.pre.detach()
        seen = torch.bincount(latents, minlength=self.width) / step.support.rows
        highest = torch.zeros_like(self.peak).scatter_reduce_(0, latents, pre, "amax")
        keep = float((self.steps / (self.steps + 1)).clamp_max(self.ema_decay))
        self.rate.lerp_(seen.to(self.rate), 1 - keep)
        self.peak.lerp_(highest, 1 - keep)
        self.steps.add_(1)
        # A silent latent is moved as far as those that fire: its own peak would let it be for ever.
        firing = self.rate > 0
        average = self.peak[firing].mean() if firing.any() else self.threshold
        reach = torch.where(firing, self.peak, average)
        target_rate = self.rate.new_tensor(self.frequencies)[self.group]
        self.threshold.add_(self.pace * reach * (self.rate / target_rate - 1).clamp(-1, 1))
        self.threshold.clamp_min_(0)
