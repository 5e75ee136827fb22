"""Masked modelling: hidden vectors are predicted from visible ones, as values or as latents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import layer_norm, mse_loss, smooth_l1_loss

from sparsetime.components import component
from sparsetime.errors import ConfigError
from sparsetime.pretraining.decoder import HiddenDecoder
from sparsetime.pretraining.masks.mask import Mask
from sparsetime.pretraining.objectives.pretraining_term import PretrainingTerm, check_no_overlap
from sparsetime.pretraining.pretraining_pass import PretrainingPass
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.sequence_component import Count


@final
@component("masked", example={"d": 8, "content_size": 3})
class MaskedPrediction(PretrainingTerm):
    """The error of predictions of hidden vectors.

        loss = mean over hidden i of |f(visible)_i - target_i|^2

    target: "values", the numbers that a vector stands for, or "latents", the teacher's vectors of
    the whole sequence, normalised (smooth L1 in place of the square). hide: "leave_out": the model
    reads the visible vectors alone, and a small transformer of `decoder_layers` predicts the hidden
    ones, which makes a step cheaper the more is hidden; "replace": a learnt vector stands in for
    hidden ones, and a linear map predicts. mask: a kind of `masks/`, with its settings.

    Source: He et al. 2022, arXiv:2111.06377; Devlin et al. 2019, arXiv:1810.04805; latents: Assran
    et al. 2023, arXiv:2301.08243.
    """

    def __init__(
        self,
        d: Count,
        content_size: Count | None,
        mask: str | Mapping[str, Any] = "random",
        target: Literal["values", "latents"] = "values",
        hide: Literal["leave_out", "replace"] = "leave_out",
        decoder_layers: Count = 1,
        heads: Count = 4,
    ) -> None:
        super().__init__(
            d=d,
            content_size=content_size,
            mask=dict(mask) if isinstance(mask, Mapping) else mask,
            target=target,
            hide=hide,
            decoder_layers=decoder_layers,
            heads=heads,
        )
        if target == "values" and content_size is None:
            raise ConfigError(
                "got the target 'values' for a view of symbols, expected a view of values; give "
                "target='latents'"
            )
        self.target, self.hide = target, hide
        out = d if target == "latents" else int(content_size or 0)
        self.mask = Mask.from_description(mask, {"d": d})
        self.decoder = HiddenDecoder(d, out, decoder_layers, heads) if hide == "leave_out" else None
        self.stand_in = nn.Parameter(torch.zeros(d)) if hide == "replace" else None
        self.map = nn.Linear(d, out) if hide == "replace" else None

    def check(self, model: SequenceModel) -> None:
        """Errors: ConfigError where vectors are left out that hold no position, or overlap."""
        check_no_overlap(self.kind, model)
        if self.hide == "leave_out" and not model.view.has_positions:
            raise ConfigError(
                f"got hide='leave_out' for the view {model.view.kind!r}, whose vectors hold no "
                "position, expected one with positions, such as 'patches'; give hide='replace'"
            )

    def loss(self, step: PretrainingPass) -> Float[Tensor, ""]:
        """The error of the hidden vectors, and what a learnt mask is trained on."""
        hidden = self.mask.draw(step.embedded, step.layout, step.random)
        predicted = self.predicted(step, hidden)
        if self.target == "values":
            errors = mse_loss(predicted, step.content, reduction="none").mean(2)
        else:
            target = layer_norm(step.teach(step.x), predicted.shape[2:])
            errors = smooth_l1_loss(predicted, target, reduction="none").mean(2)
        loss = (errors * hidden).sum() / hidden.sum()
        of_mask = self.mask.loss(errors, hidden)
        return loss if of_mask is None else loss + of_mask

    def predicted(
        self, step: PretrainingPass, hidden: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time out"]:
        """The predictions for all vectors, of which those of hidden ones count."""
        if self.decoder is not None:
            visible = step.placed[~hidden].unflatten(0, (len(hidden), -1))
            predicted: Tensor = self.decoder(
                step.model.contextualise(visible), hidden, step.positions
            )
            return predicted
        assert self.stand_in is not None and self.map is not None
        vectors = torch.where(hidden[..., None], self.stand_in, step.embedded)
        if step.model.view.has_positions:
            vectors = vectors + step.positions
        mapped: Tensor = self.map(step.model.contextualise(vectors))
        return mapped
