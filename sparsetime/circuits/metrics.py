"""Metrics of a model's output that effects are measured in: one number for each sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from sparsetime.circuits.targets import Target, token_number
from sparsetime.errors import ConfigError, DataError
from sparsetime.interventions.site_gradients import OutputMetric
from sparsetime.models.site_tensors import output_activation
from sparsetime.models.sites import WHOLE_MODEL

#: `logit(...)` or `logit_difference(...)`, "loss", or a function of the model's output.
MetricLike: TypeAlias = Target | str | Callable[[Any], Tensor]


def probability(token: int, step: int = -1) -> OutputMetric:
    """The probability of a token, by its number, at a step.

    p = softmax(logits[step])[token]
    """

    def metric(output: Any) -> Tensor:
        return logits_of(output)[:, step].softmax(-1)[:, token]

    return metric


def output_metric(metric: MetricLike, tokens: Tensor, tokenizer: Any) -> OutputMetric:
    """The metric as a function of the model's output.

        "loss": mean cross-entropy of the next tokens in nats, for each sequence
        logit(t): z_t - mean of z;  logit_difference(a, b): z_a - z_b, at a step

    tokens: [batch, time], which the loss predicts.

    Errors: ConfigError for a name or target that is no metric.
    """
    if isinstance(metric, Target):
        return _of_target(metric, tokenizer)
    if metric == "loss":
        return lambda output: _losses(logits_of(output), tokens)
    if callable(metric):
        return metric
    raise ConfigError(
        f"got the metric {metric!r}, expected 'loss', logit(...), logit_difference(...), "
        "probability(...), or a function of the model's output"
    )


def logits_of(output: Any) -> Tensor:
    """Logits [batch, time, vocabulary] in a model's output.

    Errors: DataError where it has none.
    """
    logits = output_activation(output, WHOLE_MODEL)
    if logits.ndim != 3:
        raise DataError(
            f"got an output of shape {list(logits.shape)}, expected logits [batch, time, "
            "vocabulary]; give a function of the model's output as the metric"
        )
    return logits


def _of_target(target: Target, tokenizer: Any) -> OutputMetric:
    if target.kind != "logit" or target.token is None:
        raise ConfigError(
            f"got a target of the kind {target.kind!r} as the metric, expected logit(...) or "
            "logit_difference(...); st.circuit explains features and their onsets"
        )
    token, other = target.token, target.other
    step = -1 if target.step is None else target.step

    def metric(output: Any) -> Tensor:
        logits = logits_of(output)
        if not -logits.shape[1] <= step < logits.shape[1]:
            raise ConfigError(
                f"got step {step} for the metric, expected one of {logits.shape[1]} steps"
            )
        at = logits[:, step]
        value = at[:, token_number(token, tokenizer, at.shape[1])]
        if other is None:
            return value - at.mean(1)
        return value - at[:, token_number(other, tokenizer, at.shape[1])]

    return metric


def _losses(logits: Tensor, tokens: Tensor) -> Tensor:
    if logits.shape[1] < 2:
        raise DataError("got one token, which has no next token to predict; give two or more")
    flat = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten().to(logits.device), reduction="none"
    )
    return flat.reshape(tokens.shape[0], -1).mean(1)
