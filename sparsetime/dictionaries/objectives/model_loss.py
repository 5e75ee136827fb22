"""What the reconstruction costs the model that the activations came from."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.term import Term


@final
@component("downstream")
class ModelLoss(Term):
    """The loss of the model that goes on with the reconstruction, as the batch computes it.

    `sparsetime.activations.sources.model_loss` makes such batches; their loss is the divergence of
    the predictions in nats a token. Only directions that the model reads
    are worth explaining by it.

    Source: Braun et al. 2024, Identifying Functionally Important Features with End-to-End Sparse
    Dictionary Learning, arXiv:2405.12241.
    """

    needs = frozenset({"downstream"})
    is_reconstruction = True

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        downstream = required(step.batch.downstream, "downstream")
        reconstruction = step.output_normalisation.restore(step.reconstruction)
        return downstream(reconstruction)
