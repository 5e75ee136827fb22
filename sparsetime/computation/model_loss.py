"""Loss of a model on a batch: next tokens, classes or values, or a function of the caller's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.computation.model_data import ModelBatch, run_batch
from sparsetime.errors import DataError
from sparsetime.interventions.generate import logits_of
from sparsetime.models.eval_mode import eval_mode

#: From the model and a batch, as the caller gave it, to the loss of each sequence or their mean.
LossFunction: TypeAlias = Callable[[nn.Module, Any], Tensor]


def sequence_losses(
    model: nn.Module, batch: ModelBatch, loss: LossFunction | None = None
) -> Float[Tensor, " sequences"]:
    """The mean loss of each sequence of a batch, in nats for tokens and classes.

        loss = mean over steps of -log p(next token)         of a language model
        loss = -log p(target)                                of targets that are classes
        loss = mean over dimensions of (output - target)^2   of targets that are values

    loss: another function, which returns a loss a sequence, or one for the batch.

    Errors: DataError where the batch has no target, is no tokens, and no function was given, and
    for targets of another shape than the output.
    """
    if loss is not None:
        inputs = batch.inputs if batch.target is None else (batch.inputs, batch.target)
        value = loss(model, inputs)
        return value.expand(len(batch.documents)) if value.ndim == 0 else value
    if batch.target is not None:
        made = run_batch(model, batch)
        output: Tensor = getattr(made, "logits", made)
        target = batch.target.to(output.device)
        if target.is_floating_point():
            if output.shape != target.shape:
                raise DataError(
                    f"got targets of the shape {list(target.shape)} for outputs of the shape "
                    f"{list(output.shape)}, expected equal ones; reshape the targets"
                )
            return (output - target).square().flatten(1).mean(1)
        return nn.functional.cross_entropy(output, target.long(), reduction="none")
    if batch.is_tokens:
        logits = logits_of(run_batch(model, batch), model)
        target = batch.inputs[:, 1:].long().to(logits.device)
        losses = nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1).float(), target.flatten(), reduction="none"
        )
        return losses.reshape(target.shape).mean(1)
    raise DataError(
        "got data without targets for a model that predicts no tokens, expected a pair of inputs "
        "and targets, or loss=, a function of the model and a batch"
    )


def loss_gradients(
    model: nn.Module,
    parameters: list[nn.Parameter],
    batches: list[ModelBatch],
    loss: LossFunction | None = None,
) -> list[Tensor]:
    """The gradient of the mean loss over all sequences, by parameter; `.grad` is not touched.

    The model is in evaluation mode meanwhile. A parameter that the loss does not read has zeros.

    Errors: as `sequence_losses`.
    """
    count = sum(len(batch.documents) for batch in batches)
    totals = [torch.zeros_like(parameter) for parameter in parameters]
    required = [parameter.requires_grad for parameter in parameters]
    for parameter in parameters:
        parameter.requires_grad_(True)
    try:
        with eval_mode(model), torch.inference_mode(False), torch.enable_grad():
            for batch in batches:
                total = sequence_losses(model, batch, loss).sum() / count
                gradients = torch.autograd.grad(
                    total, parameters, allow_unused=True, materialize_grads=True
                )
                for own, gradient in zip(totals, gradients, strict=True):
                    own += gradient
    finally:
        for parameter, was in zip(parameters, required, strict=True):
            parameter.requires_grad_(was)
    return totals
