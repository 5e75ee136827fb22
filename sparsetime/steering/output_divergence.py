"""Divergence of a model's output by step: KL of next tokens, or squared change of a series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import DataError

#: From a model's output to a tensor [batch, time, ...].
ReadOutput: TypeAlias = Callable[[Any], Tensor]


def first_output(output: Any) -> Tensor:
    """The logits of a language model, or the first tensor of an output.

    Errors: DataError where it has no time axis.
    """
    value = getattr(output, "logits", output)
    while not isinstance(value, Tensor):
        if hasattr(value, "to_tuple"):
            value = value.to_tuple()
        if not isinstance(value, tuple | list) or not value:
            raise DataError(
                f"got an output of type {type(output).__name__} without a tensor; give output=, a "
                "function from the output to [batch, time, ...]"
            )
        value = value[0]
    if value.ndim < 2:
        raise DataError(
            f"got an output of shape {list(value.shape)}, expected [batch, time, ...]; give output="
        )
    return value


def kl_by_step(
    plain: Float[Tensor, "batch steps vocabulary"], changed: Float[Tensor, "batch steps vocabulary"]
) -> Float[Tensor, "batch steps"]:
    """KL(plain || changed) of next-token distributions, in nats, from logits.

    sum over tokens of p log(p / q)
    """
    p = plain.float().log_softmax(-1)
    q = changed.float().log_softmax(-1)
    return (p.exp() * (p - q)).sum(-1)


def change_by_step(
    plain: Float[Tensor, "batch steps *rest"], changed: Float[Tensor, "batch steps *rest"]
) -> Float[Tensor, "batch steps"]:
    """Mean squared change of the output at each step.

    mean over components of (y' - y)^2
    """
    squared = (changed.float() - plain.float()).square()
    return squared.reshape(*squared.shape[:2], -1).mean(-1)


@final
@dataclass(frozen=True)
class Divergence:
    """How the outputs of two runs are compared at each step."""

    name: str
    by_step: Callable[[Tensor, Tensor], Tensor]


KL = Divergence("KL in nats", kl_by_step)
SQUARED_CHANGE = Divergence("mean squared change", change_by_step)


def divergence_of(inputs: Tensor, output: ReadOutput | None) -> Divergence:
    """KL where tokens are read and no other output is named; else the squared change."""
    reads_tokens = not inputs.is_floating_point()
    return KL if reads_tokens and output is None else SQUARED_CHANGE
