"""Gated sparsifier: separate gate and magnitude of every latent."""

from __future__ import annotations

from abc import abstractmethod
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.kernels import Rule, Support


class GatedBase(Sparsifier):
    """Base class of gated sparsifiers: the pre-activation is the gate; kinds differ in magnitude.

    The gate's decision has no gradient; the gate learns from the terms `gate_l1` and `gate_mse`.
    """

    needs_sparsity_penalty = True
    divides_rows = True

    @abstractmethod
    def magnitude(
        self, pre: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, " entries"]:
        """The magnitudes of entries before their relu, with gradients."""

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.ThresholdRule(torch.zeros((), device=inputs.x.device))

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return self.magnitude(pre, support).relu() * (pre > 0)


@final
@component("gated")
class Gated(GatedBase):
    """Gated sparsifier; the pre-activation is the gate.

        z_i = relu(exp(s_i) pre_i + t_i) where pre_i > 0, else 0

    The encoder's bias is the gate's. The magnitude has the bias `exp(s) * bias + t`, the paper's
    family in other coordinates.

    log_scale s, shift t: [width].

    Source: Rajamanoharan et al. 2024, Improving Dictionary Learning with Gated Sparse Autoencoders,
    arXiv:2404.16014.
    """

    latent_tensors = frozenset({"log_scale", "shift"})
    scale_free = True

    def __init__(self, width: int) -> None:
        super().__init__(width=width)
        self.width = width
        self.log_scale = nn.Parameter(torch.zeros(width))
        self.shift = nn.Parameter(torch.zeros(width))

    def magnitude(
        self, pre: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, " entries"]:
        scale = kernels.at_entries(self.log_scale.exp(), support)
        magnitude: Tensor = scale * pre + kernels.at_entries(self.shift, support)
        return magnitude
