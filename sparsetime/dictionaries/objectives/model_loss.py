"""Increase in the model's loss when the reconstruction replaces the activation."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.term import Term


@final
@component("downstream")
class ModelLoss(Term):
    """Loss of the model that continues from the reconstruction (end-to-end training).

        loss = mean over tokens of KL(p(next | x) || p(next | x̂)),    in nats a token

    The batch carries the function that computes it (`sparsetime.activations.sources.model_loss`
    makes such batches). Only directions that the model reads are rewarded.

    Source: Braun et al. 2024, Identifying Functionally Important Features with End-to-End Sparse
    Dictionary Learning, arXiv:2405.12241.
    """

    needs = frozenset({"downstream"})
    is_reconstruction = True
    latent_tensors = frozenset()

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight=weight)

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        downstream = required(step.batch.downstream, "downstream")
        reconstruction = step.output_normalisation.restore(step.reconstruction)
        return downstream(reconstruction)
