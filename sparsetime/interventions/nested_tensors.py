"""The tensors within the arguments or the output of a module."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import Tensor


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
