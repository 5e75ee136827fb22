"""ReLU sparsifier: every positive latent."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.kernels import Rule, Support


@final
@component("relu")
class ReLU(Sparsifier):
    """ReLU sparsifier; codes are sparse only with a sparsity penalty in the objective.

        z_i = max(pre_i, 0)

    Source: Bricken et al. 2023, Towards Monosemanticity.
    """

    needs_sparsity_penalty = True

    scale_free = True
    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self) -> None:
        super().__init__()

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.ThresholdRule(torch.zeros((), device=inputs.x.device))

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu()
