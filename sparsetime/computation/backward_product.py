"""The gradient by a linear module's inputs, computed with other weights than its output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from jaxtyping import Float
from torch import Tensor, nn


@final
class BackwardProduct:
    """Hooks on a linear module by which dL/dx = dL/dy V, with weights V of the caller's.

    The gradient of the module's own weights is not changed. weights: returns V [out, in], called in
    every backward pass.
    """

    def __init__(self, module: nn.Module, weights: Callable[[], Float[Tensor, "out in"]]) -> None:
        self._weights = weights
        self._open: list[list[Tensor]] = []  # a cell for each call whose output is to come
        self._handles = [
            module.register_forward_pre_hook(self._before),
            module.register_forward_hook(self._behind),
        ]

    def remove(self) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()

    def _before(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        cell: list[Tensor] = []
        self._open.append(cell)
        x = args[0]
        if not x.requires_grad:
            return None
        # A view, so that the hook sees the gradient of this module alone.
        read = x.view_as(x)
        read.register_hook(lambda gradient: cell[0] @ self._weights().to(gradient))
        return (read, *args[1:])

    def _behind(self, module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
        cell = self._open.pop()
        if output.requires_grad:
            output.register_hook(cell.append)
