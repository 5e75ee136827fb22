"""Variational TopK sparsifier: Gaussian samples around the k largest latents."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn

from sparsetime import kernels, seeds
from sparsetime.components import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.noisy import NoisySparsifier
from sparsetime.dictionaries.sparsifiers.sparsifier import checked_k
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support


@final
@component("variational_top_k", example={"k": 4})
class VariationalTopK(NoisySparsifier):
    """Variational TopK sparsifier: the k latents of largest mean, sampled in training.

        training:   z_i = relu(pre_i) + sigma_i eps,  eps ~ N(0, 1)
        inference:  z_i = relu(pre_i)

    The term `gaussian_kl` holds means and deviations near a prior.

    log_deviation: [width], the logarithm of sigma. deviation: its initial value, in units of the
    normalised activation.

    Source: Baker and Li 2025, Analysis of Variational Sparse Autoencoders, arXiv:2509.22994,
    written from the abstract. A deviation per latent, and not per row, is this library's.
    """

    undivided = "it draws one noise for the entries of all latents in their order"
    scale_free = True

    def __init__(self, width: int, k: int, deviation: float = 0.05) -> None:
        if deviation <= 0:
            raise ConfigError(f"got deviation={deviation}, expected a number above 0")
        super().__init__(width=width, k=checked_k(k), deviation=deviation)
        self.width, self.k = width, k
        self.log_deviation = nn.Parameter(torch.full((width,), math.log(deviation)))

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.TopKRule(self.k)

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        generator = seeds.torch_generator(
            int(self.noise_seed), "variational noise", int(self.steps_seen), device=pre.device
        )
        noise = torch.randn(pre.shape, generator=generator, device=pre.device)
        return pre.relu() + kernels.at_entries(self.log_deviation, support).exp() * noise

    def inference_gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu()
