"""Gradient TopK sparsifier: the k latents of largest value and effect on the model's loss."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.forward_pass import required
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier, checked_k
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support

_CANDIDATES = 4  # times k


@final
@component("gradient_top_k", example={"k": 4})
class GradientTopK(Sparsifier):
    """Gradient TopK sparsifier.

        score_i = z_i (1 + beta e_i / mean(e)),   e_i = |<d_i, gradient>|,   z_i = relu(pre_i)

    The k latents of largest score remain, of the 4 k largest values, so that selection is sparse.
    e: the first-order change of the model's loss; its batch mean makes beta free of units. At
    inference the k largest values remain.

    Source: Olmo et al. 2024, Features that Make a Difference, arXiv:2411.10397; candidates, the
    division and plain selection at inference are this library's.
    """

    needs = frozenset({"gradient"})
    scale_free = True

    undivided = "it ranks the candidates of a row by the gradient, over all latents"

    def __init__(self, k: int, beta: float = 1.0) -> None:
        if beta < 0:
            raise ConfigError(f"got beta={beta}, expected a weight of the gradient of at least 0")
        super().__init__(k=checked_k(k), beta=beta)
        self.k, self.beta = k, beta

    def incompatibility(self, composition: Composition) -> str | None:
        if composition.out_dims is None and len(composition.in_dims) == 1:
            return None
        return (
            "gradient_top_k multiplies atoms with the gradient at the site that is read, so it "
            "takes dictionaries that reconstruct the one site that they read"
        )

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.TopKRule(min(_CANDIDATES * self.k, self.decoder.width))

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu() * self._kept(pre.detach().relu(), support, inputs)

    def inference_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.TopKRule(self.k)

    def inference_gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu()

    @torch.no_grad()
    def _kept(self, values: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        batch = inputs.batch
        if batch is None:  # the rows that the first scale is fitted to
            return kernels.row_ranks(values, support) < self.k
        # Rows that came along as earlier neighbours have no gradient: the value alone decides.
        gradient = inputs.x.new_zeros(support.rows, self.decoder.d_out)
        gradient[: batch.rows] = required(batch.gradient, "gradient")
        effect = kernels.gather_dot(gradient, self.decoder.vectors(), support).abs()
        score = values * (1 + self.beta * effect / effect.mean().clamp_min(1e-30))
        return kernels.row_ranks(score, support) < self.k
