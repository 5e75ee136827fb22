"""Supervised loss on latents that are reserved for labelled concepts."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError, DataError


@final
@component("concepts")
class SupervisedConcepts(Term):
    """Binary cross-entropy between the first `concepts` latents and labels of concepts.

        loss = mean_{n, c} BCE(sigmoid(pre_c / temperature), label_c)

    Labels of a batch are 0 or 1: [rows] for one concept, [rows, concepts] for several. A
    pre-activation above zero says that the concept is more likely present than absent.

    Source: Härle et al. 2025, Measuring and Guiding Monosemanticity, arXiv:2506.19382; here the
    sigmoid is on the pre-activation and the activation value is left as it is.
    """

    needs = frozenset({"labels"})

    undivided = "it trains the first latents, which one process would have alone"

    def __init__(self, concepts: int = 1, weight: float = 1.0, temperature: float = 0.1) -> None:
        if concepts < 1 or temperature <= 0:
            raise ConfigError(
                f"got concepts={concepts} and temperature={temperature}, expected at least 1 "
                "concept and a temperature above 0"
            )
        super().__init__(concepts=concepts, weight=weight, temperature=temperature)
        self.concepts, self.temperature = concepts, temperature

    def incompatibility(self, composition: Composition) -> str | None:
        if self.concepts <= composition.width:
            return None
        return (
            f"got {self.concepts} concepts and a width of {composition.width}, expected a latent "
            "for every concept; increase the width"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        """Errors: DataError where labels are not 0 or 1, or not one for each concept."""
        batch_labels = required(step.batch.labels, "labels")
        labels = batch_labels.reshape(step.x.shape[0], -1)
        if labels.shape[1] != self.concepts or bool(((labels != 0) & (labels != 1)).any()):
            raise DataError(
                f"got labels of shape {list(batch_labels.shape)} from {int(labels.min())} to "
                f"{int(labels.max())}, expected 0 or 1, of shape [rows, {self.concepts}]"
            )
        reserved = torch.arange(self.concepts, device=step.x.device)
        pre = step.encoder.preacts_of(step.encoder.read(step.inputs), reserved)
        return functional.binary_cross_entropy_with_logits(pre / self.temperature, labels.float())
