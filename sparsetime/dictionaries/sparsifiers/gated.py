"""Whether a latent is on, and how strong it is, learnt apart."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.kernels import Rule, Support


@final
@component("gated")
class Gated(Sparsifier):
    """The pre-activation is the gate: where it is positive, a scaled and shifted copy of it, as
    far as positive, is the strength.

    The strength has no gradient through the gate's decision, so that the gate learns from the
    terms `gate_l1` and `gate_mse`. The encoder's bias is the gate's; the magnitude's own bias is
    `exp(log_scale) * bias + shift`, the same family as the paper's with other coordinates.

    log_scale, shift: [width].

    Source: Rajamanoharan et al. 2024, Improving Dictionary Learning with Gated Sparse Autoencoders,
    arXiv:2404.16014.
    """

    needs_sparsity_penalty = True

    def __init__(self, width: int) -> None:
        super().__init__(width=width)
        self.width = width
        self.log_scale = nn.Parameter(torch.zeros(width))
        self.shift = nn.Parameter(torch.zeros(width))

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.Above(torch.zeros((), device=inputs.x.device))

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        scale = self.log_scale.exp()[support.indices]
        magnitude: Tensor = (scale * pre + self.shift[support.indices]).relu()
        return magnitude * (pre > 0)
