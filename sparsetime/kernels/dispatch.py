"""Choice of the kernels' implementation by device."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch import Tensor

from sparsetime.errors import ConfigError, unknown_name
from sparsetime.kernels.adam_config import AdamStep
from sparsetime.kernels.row_sparse import GradientRows
from sparsetime.kernels.selection_rules import Rule
from sparsetime.support import ByLatent, Support

if TYPE_CHECKING:
    from sparsetime.attention_pattern import AttentionPattern
    from sparsetime.kernels.latent_counts import LatentCounts
    from sparsetime.kernels.nested_residuals import NestedResiduals

_MODULES = {
    "reference": "sparsetime.kernels.reference",
    "cpu": "sparsetime.kernels.cpu",
    "gpu": "sparsetime.kernels.gpu",
}
_chosen: ContextVar[str | None] = ContextVar("sparsetime_kernels", default=None)


class Backend(Protocol):
    """Functions of every implementation; `reference` documents them."""

    def select(
        self, x: Tensor, weight: Tensor, bias: Tensor, rule: Rule, dtype: torch.dtype
    ) -> Support: ...
    def mask_of_largest(self, score: Tensor, k: int) -> Tensor: ...
    def kept_entries(self, support: Support, values: Tensor, rule: Rule) -> Tensor: ...
    def gather_dot(self, x: Tensor, weight: Tensor, support: Support) -> Tensor: ...
    def decode(self, values: Tensor, offsets: Tensor, indices: Tensor, atoms: Tensor) -> Tensor: ...
    def outer(self, values: Tensor, by_latent: ByLatent, x: Tensor) -> Tensor: ...
    def sums_by_latent(self, values: Tensor, support: Support, by_latent: ByLatent) -> Tensor: ...
    def transpose(self, support: Support) -> ByLatent: ...
    def nested_residuals(
        self,
        values: Tensor,
        finer: Support,
        atoms: Tensor,
        bias: Tensor,
        target: Tensor,
        shares: tuple[float, ...],
    ) -> NestedResiduals: ...
    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, pattern: AttentionPattern, scale: float
    ) -> tuple[Tensor, Tensor]: ...
    def attend_backward(
        self,
        grad: Tensor,
        lse_grad: Tensor | None,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        out: Tensor,
        lse: Tensor,
        pattern: AttentionPattern,
        scale: float,
    ) -> tuple[Tensor, Tensor, Tensor]: ...
    def count_latents(self, support: Support) -> LatentCounts: ...
    def project(self, gradient: GradientRows, weight: Tensor) -> None: ...
    def adam(
        self,
        weight: Tensor,
        first: Tensor,
        second: Tensor,
        gradient: GradientRows,
        scale: Tensor,
        step: AdamStep,
        unit_rows: bool,
    ) -> None: ...


@contextmanager
def use(name: str) -> Iterator[None]:
    """Context manager that sets the implementation: "reference", "cpu" or "gpu".

    Errors: UnknownNameError for another name; ConfigError for "gpu" without Triton.
    """
    if name not in _MODULES:
        raise unknown_name("kernels", name, _MODULES)
    if name == "gpu" and not _has_triton():
        raise ConfigError(
            "got no installation of Triton, which the gpu kernels need; pip install "
            "'sparsetime[gpu]' on Linux, or use(\"reference\"), which runs on every device"
        )
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)


def backend_name(device: torch.device) -> str:
    """The name of the implementation for tensors on `device`."""
    chosen = _chosen.get()
    if chosen:
        return chosen
    if device.type == "cuda" and _has_triton():
        return "gpu"
    return "cpu" if device.type == "cpu" else "reference"


def backend(x: Tensor) -> Backend:
    """The implementation for a tensor. Errors: ConfigError for gpu kernels on a CPU tensor."""
    name = backend_name(x.device)
    if name == "gpu" and x.device.type == "cpu" and not _interprets_triton():
        raise ConfigError(
            "got a tensor on the CPU, expected one on a GPU for the gpu kernels; move the tensors "
            "to a GPU, leave the choice of kernels to the device, or set TRITON_INTERPRET=1 before "
            "Python starts to run the programs, slowly, in Triton's interpreter"
        )
    return _module(name)


@cache
def _module(name: str) -> Backend:
    return cast(Backend, import_module(_MODULES[name]))


@cache
def _has_triton() -> bool:
    return find_spec("triton") is not None


def _interprets_triton() -> bool:
    return os.environ.get("TRITON_INTERPRET") == "1"
