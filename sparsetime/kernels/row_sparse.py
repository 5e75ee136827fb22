"""Row-sparse gradients: gradients of matrices with few nonzero rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

_enabled: ContextVar[bool] = ContextVar("sparsetime_row_gradients", default=False)


@contextmanager
def row_gradients() -> Iterator[None]:
    """Context manager that lets operations give matrices row-sparse gradients.

    A dense gradient of a wide dictionary would be as large as its weights, and mostly zero.
    Disabled by default, because torch's optimisers expect dense gradients.

    Backward passes within it run in the calling thread: autograd's own thread for a GPU would not
    see that it is enabled.
    """
    token = _enabled.set(True)
    try:
        with torch.autograd.set_multithreading_enabled(False):
            yield
    finally:
        _enabled.reset(token)


def row_gradients_enabled() -> bool:
    """Whether the code runs inside `row_gradients`."""
    return _enabled.get()


@dataclass(frozen=True)
class GradientRows:
    """Rows of a gradient matrix: `values[n]` is its row `indices[n]`; indices ascend.

    indices None: all rows, in order.
    """

    values: Float[Tensor, "some d"]
    indices: Int[Tensor, " some"] | None = None


def rows_of_gradient(gradient: Tensor) -> GradientRows:
    """The rows of a dense or sparse gradient, in the form of `as_matrix`."""
    if not gradient.is_sparse:
        return GradientRows(as_matrix(gradient))
    whole = gradient.coalesce()
    return GradientRows(whole.values(), whole.indices()[0])


def as_matrix(tensor: Tensor) -> Float[Tensor, "width d"]:
    """View as a matrix: scalars and vectors as one row, axes after the first joined."""
    return tensor.view(1, -1) if tensor.dim() < 2 else tensor.flatten(1)


def as_gradient(
    values: Float[Tensor, "some d"], indices: Int[Tensor, " some"], width: int
) -> Tensor:
    """A sparse [width, d] gradient of rows at strictly ascending indices."""
    shape = width, values.shape[1]
    # torch 2.11 warns where checks are off by default, whatever `check_invariants` says.
    with torch.sparse.check_sparse_tensor_invariants(False):
        return torch.sparse_coo_tensor(
            indices[None], values, shape, is_coalesced=True, check_invariants=False
        )
