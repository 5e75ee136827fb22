"""Thresholds that are moved until every group of latents fires as often as it should."""

from __future__ import annotations

from statistics import NormalDist
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support


@final
@component("adapted_bias", example={"frequencies": [0.1, 0.05]})
class FiringRateBias(Sparsifier):
    """A latent is on, at full strength, above a threshold that no gradient moves: it rises while
    the latent fires more often than its group should, and falls while it fires less.

    frequencies: the share of rows on which the latents of each group should fire; groups are equal
    segments of latents.
    pace: how far a threshold moves in a step at most, as a share of the strongest pre-activation
    of the latent, or of the average over firing latents where it was silent.
    memory: the share of a latent's running frequency that stays from one step to the next.

    threshold, rate, peak: [width]; the latter the running share of rows on which each latent
    fires, and the running largest pre-activation.

    Source: Group Bias Adaptation in Chen et al. 2025, Taming Polysemanticity in LLMs,
    arXiv:2506.14002, written from the abstract and accounts of it; there a threshold falls only
    where a latent is all but silent.
    """

    threshold: Tensor
    rate: Tensor
    peak: Tensor
    steps: Tensor

    def __init__(
        self,
        width: int,
        frequencies: tuple[float, ...] | list[float],
        pace: float = 0.1,
        memory: float = 0.9,
    ) -> None:
        groups = list(frequencies)
        if not groups or len(groups) > width or not all(0 < f < 1 for f in groups):
            raise ConfigError(
                "frequencies are shares of rows between 0 and 1, one for each group of the "
                f"{width} latents; given: {groups}"
            )
        if not 0 < pace < 1 or not 0 <= memory < 1:
            raise ConfigError(
                "pace is between 0 and 1, memory from 0 to below 1; "
                f"given: pace={pace} and memory={memory}"
            )
        super().__init__(width=width, frequencies=groups, pace=pace, memory=memory)
        self.width, self.frequencies, self.pace, self.memory = width, groups, pace, memory
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
        return kernels.Above(self.threshold)

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu()

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        latents, pre = step.support.indices, step.pre.detach()
        seen = torch.bincount(latents, minlength=self.width) / step.support.rows
        highest = torch.zeros_like(self.peak).scatter_reduce_(0, latents, pre, "amax")
        keep = float((self.steps / (self.steps + 1)).clamp_max(self.memory))
        self.rate.lerp_(seen.to(self.rate), 1 - keep)
        self.peak.lerp_(highest, 1 - keep)
        self.steps.add_(1)
        # A silent latent is moved as far as those that fire: its own peak would let it be for ever.
        firing = self.rate > 0
        average = self.peak[firing].mean() if firing.any() else self.threshold
        reach = torch.where(firing, self.peak, average)
        wanted = self.rate.new_tensor(self.frequencies)[self.group]
        self.threshold.add_(self.pace * reach * (self.rate / wanted - 1).clamp(-1, 1))
        self.threshold.clamp_min_(0)
