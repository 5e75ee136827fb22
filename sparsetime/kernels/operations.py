"""The kernels as differentiable operations."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.kernels.dispatch import Backend, backend
from sparsetime.kernels.rules import Rule
from sparsetime.kernels.support import ByLatent, Support


@torch.no_grad()
def select(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype = torch.float32,
) -> Support:
    """The places that `rule` keeps of `x @ weight.T + bias`, multiplied in `dtype`.

    Selection has no gradient; `gather_dot` gives the exact, differentiable values at the places.
    """
    return backend(x).select(x, weight, bias, rule, dtype)


def gather_dot(
    x: Float[Tensor, "rows d"], weight: Float[Tensor, "width d"], support: Support
) -> Float[Tensor, " entries"]:
    """`x[row] · weight[index]` at every entry of the support, with gradients to both."""
    out: Tensor = _GatherDot.apply(x, weight, support)  # type: ignore[no-untyped-call]
    return out


def decode(
    values: Float[Tensor, " entries"], support: Support, atoms: Float[Tensor, "width d"]
) -> Float[Tensor, "rows d"]:
    """Sum of `value * atom` over each row's entries, with gradients to values and atoms."""
    out: Tensor = _Decode.apply(values, atoms, support)  # type: ignore[no-untyped-call]
    return out


class _GatherDot(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, support: Support) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.support = support
        return backend(x).gather_dot(x, weight, support)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        support: Support = ctx.support
        run = backend(x)
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_x = run.decode(grad, support.offsets, support.indices, weight)
        if ctx.needs_input_grad[1]:
            grad_weight = run.outer(grad, _by_latent(support, run), x)
        return grad_x, grad_weight, None


class _Decode(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, atoms: Tensor, support: Support) -> Tensor:
        ctx.save_for_backward(values, atoms)
        ctx.support = support
        return backend(atoms).decode(values, support.offsets, support.indices, atoms)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (grad,) = grads
        values, atoms = ctx.saved_tensors
        support: Support = ctx.support
        run = backend(atoms)
        grad = grad.contiguous()
        grad_values = grad_atoms = None
        if ctx.needs_input_grad[0]:
            grad_values = run.gather_dot(grad, atoms, support)
        if ctx.needs_input_grad[1]:
            grad_atoms = run.outer(values, _by_latent(support, run), grad)
        return grad_values, grad_atoms, None


def _by_latent(support: Support, run: Backend) -> ByLatent:
    """Every gradient of one step needs the same transpose: made once, kept with the support."""
    kept: ByLatent | None = support.__dict__.get("_by_latent")
    if kept is None:
        kept = run.transpose(support)
        support.__dict__["_by_latent"] = kept
    return kept
