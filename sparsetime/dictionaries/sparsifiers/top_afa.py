"""Top-AFA sparsifier: as many latents as match the length of the activation."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support


@final
@component("top_afa", example={"most": 8})
class TopAFA(Sparsifier):
    """Top-AFA sparsifier: the largest latents of a row, in the number that matches its length.

        n = argmin_n | sqrt(sum of the n largest relu(pre)^2) - |x| |,   n <= most

    With nearly orthogonal unit-norm decoder rows, a code is about as long as the activation that it
    represents. The activation is taken without the offset. most: bounds the work of a step.

    Source: Lee et al. 2025, Evaluating and Designing Sparse Autoencoders by Approximating
    Quasi-Orthogonality, arXiv:2503.24277.
    """

    undivided = "the length of a whole code decides how many of its latents are kept"

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ConfigError(f"got most={most}, expected at least 1 latent a row")
        super().__init__(most=most)
        self.most = most

    def incompatibility(self, composition: Composition) -> str | None:
        if self.most <= composition.width:
            return None
        return f"most is {self.most} and larger than the width, {composition.width}"

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.TopKRule(self.most)

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu() * self._kept(pre.detach().relu(), support, inputs)

    @torch.no_grad()
    def _kept(self, values: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        rank, row = kernels.row_ranks(values, support), support.row_of_entry
        squares = values.new_zeros(support.rows, self.most)
        squares[row, rank] = values.square()
        lengths = squares.cumsum(1).sqrt()
        last = (lengths - inputs.x.norm(dim=1, keepdim=True)).abs().argmin(1)
        kept: Tensor = rank <= last[row]
        return kept
