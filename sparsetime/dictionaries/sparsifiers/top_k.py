"""TopK sparsifier: the k largest latents of every row."""

from __future__ import annotations

from typing import final

from torch import Tensor

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier, checked_k
from sparsetime.kernels import Rule, Support


@final
@component("top_k", example={"k": 4})
class TopK(Sparsifier):
    """TopK sparsifier.

        z_i = relu(pre_i) where pre_i is among the k largest of its row, else 0

    Source: Gao et al. 2024, Scaling and evaluating sparse autoencoders, arXiv:2406.04093.
    """

    scale_free = True
    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, k: int) -> None:
        super().__init__(k=checked_k(k))
        self.k = k

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.TopKRule(self.k)

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu()
