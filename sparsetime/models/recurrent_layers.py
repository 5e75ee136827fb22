"""Layers within `torch.nn.LSTM`, `GRU` and `RNN`, which have no modules of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sparsetime.errors import DataError
from sparsetime.models.forward_signature import named_arguments

_LAYERS = "layers"


def layer_paths(module: nn.Module, path: str) -> dict[str, int]:
    """Paths of the layers of a recurrent module of several layers at `path`, with their numbers."""
    if not isinstance(module, nn.RNNBase) or module.num_layers < 2:
        return {}
    parent = f"{path}." if path else ""
    return {f"{parent}{_LAYERS}.{layer}": layer for layer in range(module.num_layers)}


def layer_hook(
    layer: int, name: str, record: Callable[[Tensor], None]
) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any], Any], None]:
    """A forward hook with keywords that computes the output of a layer and records it.

    The layers up to it run once more, with the same weights and initial state.
    """

    def hook(
        module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], output: Any
    ) -> None:
        assert isinstance(module, nn.RNNBase)
        named = named_arguments(module, args, kwargs)
        inputs, state = named["input"], named.get("hx")
        if not isinstance(inputs, Tensor):
            raise DataError(
                f"got a {type(inputs).__name__} as the input of the module of the site {name!r}, "
                "expected a tensor; choose the module itself, or leave out the packing"
            )
        if layer == module.num_layers - 1:
            record(output[0])
            return
        directions = 2 if module.bidirectional else 1
        if isinstance(state, tuple):
            state = tuple(one[: (layer + 1) * directions] for one in state)
        elif state is not None:
            state = state[: (layer + 1) * directions]
        record(_first_layers(module, layer + 1)(inputs, state)[0])

    return hook


def _first_layers(module: nn.RNNBase, count: int) -> nn.RNNBase:
    """The first layers of a recurrent module, which share its weights."""
    settings: dict[str, Any] = {
        "num_layers": count,
        "bias": module.bias,
        "batch_first": module.batch_first,
        "bidirectional": module.bidirectional,
        "device": "meta",  # weights that are replaced below, so that no random number is drawn
    }
    if isinstance(module, nn.LSTM):
        settings["proj_size"] = module.proj_size
    elif isinstance(module, nn.RNN):
        settings["nonlinearity"] = module.nonlinearity
    # A subclass may take other arguments.
    kind: Any = next((k for k in (nn.LSTM, nn.GRU, nn.RNN) if isinstance(module, k)), type(module))
    first: nn.RNNBase = kind(module.input_size, module.hidden_size, **settings)
    for weight in list(first._flat_weights_names):
        setattr(first, weight, getattr(module, weight))
    with torch.no_grad():
        first.flatten_parameters()
    return first.train(module.training)
