"""Attention heads of a model, found by running it: where their outputs lie side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import nn

from sparsetime.errors import DataError
from sparsetime.interventions.frozen_functions import FrozenFunctions
from sparsetime.interventions.model_inputs import ModelInput, batch_and_time, forward_arguments
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.wrappers import hook_input


@final
@dataclass(frozen=True)
class HeadSite:
    """The heads of one attention module.

    module: its path. site: the input of its output projection, in which the heads lie side by side.
    heads: their number; size: the dimensions of each.
    """

    module: str
    site: str
    heads: int
    size: int


def attention_heads(model: nn.Module, inputs: ModelInput) -> list[HeadSite]:
    """The heads of every attention module, in the order of the pass.

    An attention module is one that computes a softmax over steps, [batch, heads, time, time]; the
    output projection is the last of its linear maps that the pass calls and whose input is as wide
    as the heads together.

    Errors: DataError where there is none, as in a model whose heads are modules of their own.
    """
    arguments, named = forward_arguments(model, inputs)
    batch, time = batch_and_time(arguments, named)
    widths: dict[str, int] = {}
    handles = []

    def record(path: str) -> Any:
        def hook(_: nn.Module, args: tuple[Any, ...], __: dict[str, Any]) -> None:
            if args and isinstance(args[0], torch.Tensor):
                widths.pop(path, None)  # so that the order is that of the last calls
                widths[path] = args[0].shape[-1]

        return hook

    for path, module in model.named_modules():
        if not list(module.children()) and getattr(module, "weight", None) is not None:
            handles.append(hook_input(module, record(path)))
    mode = FrozenFunctions()
    try:
        with eval_mode(model), mode.watching(model), mode:
            model(*arguments, **named)
    finally:
        for handle in handles:
            handle.remove()
    found: dict[str, HeadSite] = {}
    for value in mode.values:
        if value.kind != "attention pattern":
            continue
        shape = tuple(value.value.shape)
        if len(shape) == 4 and shape[0] == batch and shape[2] == time and value.module:
            site = _projection(value.module, shape[1], widths)
            if site is not None:
                found[value.module] = HeadSite(
                    value.module, f"{site}:input", shape[1], widths[site] // shape[1]
                )
    if not found:
        raise DataError(
            f"{type(model).__name__} has no attention whose heads lie side by side before a linear "
            "map; give sites of its heads and None as their dictionary to st.attribute"
        )
    return list(found.values())


def _projection(module: str, heads: int, widths: dict[str, int]) -> str | None:
    """The last linear map within the module whose input divides into the heads."""
    within = [path for path in widths if path.startswith(f"{module}.")]
    fits: Sequence[str] = [path for path in within if widths[path] % heads == 0]
    return fits[-1] if fits else None
