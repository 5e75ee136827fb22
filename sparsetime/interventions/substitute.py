"""Substitution of one tensor within a module's arguments or output."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import Tensor


def substitute(value: Any, old: Tensor, new: Tensor) -> Any:
    """The same structure with one tensor in the place of another."""
    if value is old:
        return new
    if isinstance(value, Mapping):
        items = {key: substitute(item, old, new) for key, item in value.items()}
        return items if type(value) is dict else type(value)(**items)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(substitute(item, old, new) for item in value))
    if isinstance(value, list | tuple):
        return type(value)(substitute(item, old, new) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        changed = {name: substitute(getattr(value, name), old, new) for name in names}
        return dataclasses.replace(value, **changed)
    return value


def floating_tensors(value: Any) -> list[Tensor]:
    """The floating-point tensors of a structure, in order, each once."""
    found: list[Tensor] = []

    def visit(item: Any) -> None:
        if isinstance(item, Tensor):
            if item.is_floating_point() and all(item is not one for one in found):
                found.append(item)
        elif isinstance(item, Mapping):
            for one in item.values():
                visit(one)
        elif isinstance(item, list | tuple):
            for one in item:
                visit(one)
        elif dataclasses.is_dataclass(item) and not isinstance(item, type):
            for field in dataclasses.fields(item):
                visit(getattr(item, field.name))

    visit(value)
    return found
