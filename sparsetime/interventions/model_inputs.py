"""Input of one forward pass: tokens, a tensor, or the arguments of a model by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from sparsetime.errors import ConfigError, DataError
from sparsetime.models.forward_signature import (
    forward_parameters,
    takes_any_keyword,
    takes_argument,
)
from sparsetime.models.load import longest_input
from sparsetime.tensors import as_tensor

#: Tokens [batch, time], one sequence of tokens [time], a tensor, or a model's named arguments.
ModelInput: TypeAlias = Any


def forward_arguments(
    model: nn.Module, inputs: ModelInput
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and named arguments of a forward pass without a cache of keys and values.

    inputs: tokens [batch, time] or [time], a tensor for the model's first argument, or a mapping of
    named arguments.

    Errors: DataError for tokens of another shape, and for a mapping without a tensor.
    """
    device = next(iter(model.parameters()), torch.zeros(())).device
    named = {"use_cache": False} if _takes_a_cache(model) else {}
    if isinstance(inputs, Mapping):
        if not any(isinstance(value, Tensor) for value in inputs.values()):
            raise DataError(
                f"got the arguments {', '.join(map(str, inputs)) or 'none'}, none of them a "
                "tensor; give the model's input as a tensor [batch, time] or [batch, time, d]"
            )
        return (), named | dict(inputs)
    given = as_tensor(inputs, "the input").to(device)
    if given.is_floating_point():
        return (given,), named
    tokens = given.long()[None] if given.ndim == 1 else given.long()
    if tokens.ndim != 2 or not tokens.numel():
        raise DataError(
            f"got tokens of the shape {list(given.shape)}, expected [batch, time] or [time] with "
            "at least one token"
        )
    if takes_argument(model, "input_ids"):
        return (), {"input_ids": tokens} | named
    return (tokens,), named


def _takes_a_cache(model: nn.Module) -> bool:
    parameters = forward_parameters(model)
    of_transformers = hasattr(getattr(model, "config", None), "use_cache")
    return "use_cache" in parameters or (of_transformers and takes_any_keyword(parameters))


def check_length(model: nn.Module, steps: int, settings: str) -> None:
    """Check that the model reads `steps` steps at once. settings: what to give smaller if not.

    Errors: ConfigError where it reads fewer.
    """
    limit = longest_input(model)
    if limit is not None and steps > limit:
        raise ConfigError(
            f"got {steps} tokens for {type(model).__name__}, which reads at most {limit} at once; "
            f"give a smaller {settings}"
        )


def batch_and_time(arguments: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[int, int]:
    """Number of sequences and of steps of an input, from its first tensor of two axes or more.

    Errors: DataError where there is none.
    """
    for value in (*arguments, *named.values()):
        if isinstance(value, Tensor) and value.ndim >= 2:
            return value.shape[0], value.shape[1]
    raise DataError("got no tensor [batch, time, …] as input; a pass needs sequences of steps")
