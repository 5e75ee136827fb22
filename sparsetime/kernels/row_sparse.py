"""Gradients of matrices of which a step touches some rows only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

_wanted: ContextVar[bool] = ContextVar("sparsetime_row_gradients", default=False)


@contextmanager
def row_gradients() -> Iterator[None]:
    """Inside, operations may give matrices sparse gradients that hold the touched rows alone.

    A dense gradient of a wide dictionary would be as large as its weights, and mostly zero. Off
    by default, because torch's optimisers want dense ones.
    """
    token = _wanted.set(True)
    try:
        yield
    finally:
        _wanted.reset(token)


def wants_rows() -> bool:
    """Whether `row_gradients` is on."""
    return _wanted.get()


@dataclass(frozen=True)
class Rows:
    """Some rows of a matrix: `values[n]` is its row `places[n]`; places ascend.

    places None: all of them, in order.
    """

    values: Float[Tensor, "some d"]
    places: Int[Tensor, " some"] | None = None


def rows_of(gradient: Tensor) -> Rows:
    """The rows that a dense or sparse gradient holds, of `as_matrix`."""
    if not gradient.is_sparse:
        return Rows(as_matrix(gradient))
    whole = gradient.coalesce()
    return Rows(whole.values(), whole.indices()[0])


def as_matrix(tensor: Tensor) -> Float[Tensor, "width d"]:
    """A view: numbers and vectors as one row, more than two axes with all but the first as one."""
    return tensor.view(1, -1) if tensor.dim() < 2 else tensor.flatten(1)


def as_gradient(
    values: Float[Tensor, "some d"], places: Int[Tensor, " some"], width: int
) -> Tensor:
    """A sparse [width, d] gradient of rows at ascending, unrepeated places."""
    return torch.sparse_coo_tensor(
        places[None],
        values,
        (width, values.shape[1]),
        is_coalesced=True,
        check_invariants=False,
    )
