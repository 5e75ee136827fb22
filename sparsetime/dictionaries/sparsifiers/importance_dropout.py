"""Importance dropout: latents of low running importance are dropped at random in training."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels, seeds
from sparsetime.components import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.sparsifiers.noisy import NoisySparsifier
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support

_TINY = 1e-12


@final
@component("temporal_mask")
class ImportanceDropout(NoisySparsifier):
    """Importance dropout over a ReLU (adaptive temporal masking).

        training:   z_i = relu(pre_i) with probability 1 - p_i, else 0
        inference:  z_i = (1 - p_i) relu(pre_i)
        p_i = 1 - exp(-rate max(0, theta - I_i) / theta),   theta = mean(I) + spread std(I)

    Importance I averages three running scores, each relative to its mean over latents: activation
    value where active, firing frequency, and rise of squared error without the latent.

    ema_decay: averaging factor of the running scores. strength, frequency, contribution: [width],
    running means over rows.

    Source: Li, Ren 2025, Time-Aware Feature Selection: Adaptive Temporal Masking, arXiv:2510.08855,
    written from the abstract and accounts of it. Threshold and probability are the paper's. The
    combination of scores, one draw per row, and inference by the mean are this library's reading.
    """

    needs_sparsity_penalty = True
    scale_free = True
    strength: Tensor
    frequency: Tensor
    contribution: Tensor

    undivided = "a latent is dropped by its importance relative to all others"

    def __init__(
        self, width: int, rate: float = 0.5, spread: float = 1.0, ema_decay: float = 0.95
    ) -> None:
        if rate < 0 or not 0 <= ema_decay < 1:
            raise ConfigError(
                f"got rate={rate} and ema_decay={ema_decay}, expected a rate of at least "
                "0, and ema_decay of at least 0 and below 1"
            )
        super().__init__(width=width, rate=rate, spread=spread, ema_decay=ema_decay)
        self.width, self.rate, self.spread, self.ema_decay = width, rate, spread, ema_decay
        for name in ("strength", "frequency", "contribution"):
            self.register_buffer(name, torch.zeros(width))

    def importance(self) -> Float[Tensor, " width"]:
        """The running score of every latent; its mean over latents is 1 once there are scores."""
        magnitude = self.strength / self.frequency.clamp_min(_TINY)
        scores = torch.stack([magnitude, self.frequency, self.contribution])
        relative: Tensor = scores / scores.mean(1, keepdim=True).clamp_min(_TINY)
        return relative.mean(0)

    def left_out(self) -> Float[Tensor, " width"]:
        """The probability that a training row goes without each latent, now."""
        importance = self.importance()
        threshold = importance.mean() + self.spread * importance.std(unbiased=False)
        lacking = (threshold - importance) / threshold.clamp_min(_TINY)
        return -torch.expm1(-self.rate * lacking.clamp_min(0))

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.ThresholdRule(torch.zeros((), device=inputs.x.device))

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        generator = seeds.torch_generator(
            int(self.noise_seed), "importance dropout", int(self.steps_seen), device=pre.device
        )
        chance = torch.rand(pre.shape, generator=generator, device=pre.device)
        return pre.relu() * (chance >= self.left_out()[support.indices])

    def inference_gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu() * (1 - self.left_out()[support.indices])

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        latents, values = step.support.indices, step.values.detach()
        towards = kernels.gather_dot(step.residual, step.decoder.vectors(), step.support)
        # Without the latent the residual is longer by its value along its atom.
        rise = (values * (2 * towards + values)).clamp_min(0)
        keep = float((self.steps_seen / (self.steps_seen + 1)).clamp_max(self.ema_decay))
        for score, entries in (
            (self.strength, values),
            (self.frequency, (values > 0).to(values)),
            (self.contribution, rise),
        ):
            now = torch.zeros_like(score).index_add_(0, latents, entries) / step.support.rows
            score.lerp_(now, 1 - keep)
        super().observe(step)
