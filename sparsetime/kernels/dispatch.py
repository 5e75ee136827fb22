"""Which implementation of the kernels runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Protocol, cast

import torch
from torch import Tensor

from sparsetime.errors import unknown_name
from sparsetime.kernels.rules import Rule
from sparsetime.kernels.support import ByLatent, Support

_MODULES = {"reference": "sparsetime.kernels.reference", "cpu": "sparsetime.kernels.cpu"}
_chosen: ContextVar[str | None] = ContextVar("sparsetime_kernels", default=None)


class Backend(Protocol):
    """What every implementation offers; `reference` says what each function means."""

    def select(
        self, x: Tensor, weight: Tensor, bias: Tensor, rule: Rule, dtype: torch.dtype
    ) -> Support: ...
    def gather_dot(self, x: Tensor, weight: Tensor, support: Support) -> Tensor: ...
    def decode(self, values: Tensor, offsets: Tensor, indices: Tensor, atoms: Tensor) -> Tensor: ...
    def outer(self, values: Tensor, by_latent: ByLatent, x: Tensor) -> Tensor: ...
    def transpose(self, support: Support) -> ByLatent: ...


@contextmanager
def use(name: str) -> Iterator[None]:
    """Force one implementation inside a `with`: "reference" or "cpu"."""
    if name not in _MODULES:
        raise unknown_name("kernels", name, _MODULES)
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)


def backend_name(device: torch.device) -> str:
    """The implementation that runs for tensors on `device`."""
    return _chosen.get() or ("cpu" if device.type == "cpu" else "reference")


def backend(x: Tensor) -> Backend:
    return cast(Backend, import_module(_MODULES[backend_name(x.device)]))
