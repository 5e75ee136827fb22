"""Latents that are reserved for known concepts."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError, DataError


@final
@component("concepts")
class SupervisedConcepts(Term):
    """Cross-entropy of the first `concepts` latents being on just where their concept is present.

    Labels of a batch are 0 or 1: [rows] for one concept, [rows, concepts] for several. The odds
    that latent i is on are its pre-activation over `temperature`, so that it is above zero where
    the concept is likelier than not.

    Source: Härle et al. 2025, Measuring and Guiding Monosemanticity, arXiv:2506.19382, with the
    sigmoid on the pre-activation and the strength left as it is.
    """

    needs = frozenset({"labels"})

    def __init__(self, concepts: int = 1, weight: float = 1.0, temperature: float = 0.1) -> None:
        if concepts < 1 or temperature <= 0:
            raise ConfigError(
                "there must be at least 1 concept and a positive temperature; given: "
                f"{concepts} and {temperature}"
            )
        super().__init__(concepts=concepts, weight=weight, temperature=temperature)
        self.concepts, self.weight, self.temperature = concepts, weight, temperature

    def incompatibility(self, composition: Composition) -> str | None:
        if self.concepts <= composition.width:
            return None
        return (
            f"{self.concepts} latents are reserved for concepts and the width is "
            f"{composition.width}: make it larger"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        """Errors: DataError where labels are not 0 or 1, or not one for each concept."""
        batch_labels = required(step.batch.labels, "labels")
        labels = batch_labels.reshape(step.x.shape[0], -1)
        if labels.shape[1] != self.concepts or bool(((labels != 0) & (labels != 1)).any()):
            raise DataError(
                f"{self.concepts} concepts need labels of 0 or 1 of shape "
                f"[rows, {self.concepts}]; given: shape {list(batch_labels.shape)}, from "
                f"{int(labels.min())} to {int(labels.max())}"
            )
        reserved = torch.arange(self.concepts, device=step.x.device)
        pre = step.encoder.preacts_of(step.encoder_input, reserved)
        return functional.binary_cross_entropy_with_logits(pre / self.temperature, labels.float())
