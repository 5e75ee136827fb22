"""AbsTopK sparsifier: the k latents of largest magnitude of every row."""

from __future__ import annotations

from typing import final

from torch import Tensor

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier, checked_k
from sparsetime.kernels import Rule, Support


@final
@component("abs_top_k", example={"k": 4})
class AbsTopK(Sparsifier):
    """AbsTopK sparsifier; values keep their sign.

        z_i = pre_i where |pre_i| is among the k largest of its row, else 0

    Source: Zhu et al. 2025, AbsTopK: Rethinking Sparse Autoencoders For Bidirectional Features,
    arXiv:2510.00404.
    """

    scale_free = True
    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, k: int) -> None:
        super().__init__(k=checked_k(k))
        self.k = k

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.AbsTopKRule(self.k)

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre
