"""Calls of a model's attention modules, recorded in a dense run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from sparsetime.attention.attach import attached
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.errors import ConfigError, DataError
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.load import LoadedModel


def recorded_calls(
    model: nn.Module | LoadedModel, data: Any, layers: Sequence[int] | None = None
) -> list[AttentionInputs]:
    """Every call of the model's attention modules on data, the model's own attention computing.

    data: texts (of a model with a tokenizer), token ids [batch, time], a tensor or mapping of
    forward arguments, or a list of these. layers: numbers of modules; None records all.

    Errors: DataError for no data; ConfigError for texts without a tokenizer.
    """
    return [call for _, call in named_calls(model, data, layers)]


def named_calls(
    model: nn.Module | LoadedModel, data: Any, layers: Collection[int] | None = None
) -> list[tuple[str, AttentionInputs]]:
    """Every call of the model's attention modules, as `recorded_calls`, with the module's path."""
    calls: list[tuple[str, AttentionInputs]] = []

    def observe(path: str, inputs: AttentionInputs) -> None:
        if layers is None or inputs.layer in layers:
            kept = {name: getattr(inputs, name).detach().clone() for name in ("q", "k", "v")}
            calls.append((path, replace(inputs, **kept, state={})))

    run = attached(model, {"prefill": None, "decode": None}, record=False)
    run.observers.append(observe)
    with run, torch.no_grad(), eval_mode(run.model):
        for arguments in batches_of(model, data):
            run.model(**arguments) if isinstance(arguments, dict) else run.model(arguments)
    return calls


def batches_of(model: nn.Module | LoadedModel, data: Any) -> list[Tensor | dict[str, Any]]:
    """Data as arguments of forward passes; a text is a pass of its own.

    Errors: DataError for no data; ConfigError for texts without a tokenizer.
    """
    items = [data] if isinstance(data, str | Tensor | Mapping) else list(data)
    if not items:
        raise DataError("got no data, expected texts, token ids or forward arguments")
    made: list[Tensor | dict[str, Any]] = []
    for item in items:
        if isinstance(item, Mapping):
            made.append(dict(item))
        elif isinstance(item, Tensor):
            made.append(item)
        elif isinstance(item, str):
            tokenizer = getattr(model, "tokenizer", None)
            if tokenizer is None:
                raise ConfigError(
                    "got texts and a model without a tokenizer; give token ids [batch, time], or a "
                    "model that sparsetime loaded"
                )
            made.append(torch.tensor([tokenizer(item)["input_ids"]]))
        else:
            raise DataError(f"got {type(item).__name__} as data, expected text, tensor or mapping")
    return made
