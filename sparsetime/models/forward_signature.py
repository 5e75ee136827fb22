"""The arguments that a module's forward pass takes, also of compiled and of scripted modules."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from inspect import Parameter
from typing import Any

import torch
from torch import nn

from sparsetime.models.wrappers import unwrapped


def forward_parameters(module: nn.Module) -> dict[str, Parameter]:
    """The parameters of `forward` by name, without self; empty where they cannot be known."""
    inner = unwrapped(module)
    if isinstance(inner, torch.jit.ScriptModule):
        scripted: Any = inner.forward
        arguments = scripted.schema.arguments[1:]
        return {a.name: Parameter(a.name, Parameter.POSITIONAL_OR_KEYWORD) for a in arguments}
    try:
        return dict(inspect.signature(inner.forward).parameters)
    except (TypeError, ValueError):  # a builtin, or an object that only can be called
        return {}


def takes_any_keyword(parameters: Mapping[str, Parameter]) -> bool:
    """Whether `forward` has a parameter such as `**kwargs`."""
    return any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())


def takes_argument(module: nn.Module, name: str) -> bool:
    """Whether `forward` takes an argument of that name.

    A wrapper around a model of transformers takes any: it passes all keywords on.
    """
    parameters = forward_parameters(module)
    if name in parameters:
        return True
    passes_on = takes_any_keyword(parameters) and "input_ids" not in parameters
    return passes_on and hasattr(module, "config")


def named_arguments(
    module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of one call by the names that they have in `forward`, in its order.

    Those of `*args` are named by it and their number (`args.0`); where the names cannot be known,
    positional arguments are named by their number alone.
    """
    parameters = forward_parameters(module)
    try:
        bound = inspect.Signature(list(parameters.values())).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return {str(i): value for i, value in enumerate(args)} | dict(kwargs)
    named: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        if parameters[name].kind is Parameter.VAR_POSITIONAL:
            named |= {f"{name}.{i}": item for i, item in enumerate(value)}
        elif parameters[name].kind is Parameter.VAR_KEYWORD:
            named |= value
        else:
            named[name] = value
    return named
