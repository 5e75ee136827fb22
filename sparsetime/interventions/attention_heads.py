"""Attention heads of a model, found by running it: where their outputs lie side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from torch import Tensor, nn

from sparsetime.errors import DataError
from sparsetime.interventions.frozen_functions import FrozenFunctions
from sparsetime.interventions.model_inputs import ModelInput, batch_and_time, forward_arguments
from sparsetime.interventions.nested_tensors import floating_tensors
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.wrappers import hook_input, hook_output


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

    An attention module is one that computes a softmax over steps, [batch, heads, time, time]. Its
    output projection is the first linear map called behind that, within the module or on its
    output; a map of what was read before, such as a gate's, is none.

    Errors: DataError where there is none, as in a model whose heads are modules of their own.
    """
    arguments, named = forward_arguments(model, inputs)
    batch, time = batch_and_time(arguments, named)
    mode = FrozenFunctions()
    maps: list[_LinearCall] = []
    outputs: dict[str, Tensor] = {}
    handles = []

    def record(path: str) -> Any:
        def hook(_: nn.Module, args: tuple[Any, ...], __: dict[str, Any]) -> None:
            if args and isinstance(args[0], Tensor) and args[0].is_floating_point():
                maps.append(_LinearCall(path, args[0], len(mode.values)))

        return hook

    def keep(path: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            if tensors := floating_tensors(output):
                outputs[path] = tensors[0]

        return hook

    for path, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if not list(module.children()) and isinstance(weight, Tensor) and weight.ndim >= 2:
            handles.append(hook_input(module, record(path)))
        handles.append(hook_output(module, keep(path)))
    try:
        with eval_mode(model), mode.watching(model), mode:
            model(*arguments, **named)
    finally:
        for handle in handles:
            handle.remove()
    found: dict[str, HeadSite] = {}
    for place, value in enumerate(mode.values):
        shape = tuple(value.value.shape) if value.kind == "attention pattern" else ()
        if len(shape) == 4 and shape[0] == batch and shape[2] == time:
            site = _projection(value.module, shape[1], place, maps, outputs.get(value.module))
            if site is not None:
                found[value.module] = site
    if not found:
        raise DataError(
            f"{type(model).__name__} has no attention whose heads lie side by side before a linear "
            "map; give sites of its heads and None as their dictionary to st.attribute"
        )
    return list(found.values())


@final
@dataclass(frozen=True, eq=False)
class _LinearCall:
    """A call of a linear map: what it read, and how many values were frozen before."""

    path: str
    read: Tensor
    frozen: int


def _projection(
    module: str, heads: int, place: int, maps: Sequence[_LinearCall], output: Tensor | None
) -> HeadSite | None:
    """The heads before the output projection, whose pattern is the frozen value at a place."""
    earlier = [one.read for one in maps if one.frozen <= place]
    projection = next(
        (
            one
            for one in maps
            if one.frozen > place
            and (one.path.startswith(f"{module}.") or one.read is output)
            and all(one.read is not read for read in earlier)
        ),
        None,
    )
    if projection is None or projection.read.ndim > 3 or projection.read.shape[-1] % heads:
        return None
    return HeadSite(module, f"{projection.path}:input", heads, projection.read.shape[-1] // heads)
