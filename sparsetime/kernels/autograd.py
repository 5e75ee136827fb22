"""The kernels as differentiable operations."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.kernels.dispatch import Backend, backend
from sparsetime.kernels.row_sparse import as_gradient, wants_rows
from sparsetime.support import ByLatent, Support


def gather_dot(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    support: Support,
    known: Float[Tensor, " entries"] | None = None,
) -> Float[Tensor, " entries"]:
    """`x[row] · weight[index]` at every entry of the support, with gradients to both.

    known: the values, where selection had to compute them; only gradients are added then.
    """
    out: Tensor = _GatherDot.apply(x, weight, support, known)  # type: ignore[no-untyped-call]
    return out


def decode(
    values: Float[Tensor, " entries"], support: Support, atoms: Float[Tensor, "width d"]
) -> Float[Tensor, "rows d"]:
    """Sum of `value * atom` over each row's entries, with gradients to values and atoms."""
    out: Tensor = _Decode.apply(values, atoms, support)  # type: ignore[no-untyped-call]
    return out


class _GatherDot(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, support: Support, known: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.support, ctx.leaf = support, weight.is_leaf
        return backend(x).gather_dot(x, weight, support) if known is None else known

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        support: Support = ctx.support
        run = backend(x)
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_x = run.decode(grad, support.offsets, support.indices, weight)
        if ctx.needs_input_grad[1]:
            grad_weight = to_latents(grad, support, x, run, ctx.leaf)
        return grad_x, grad_weight, None, None


class _Decode(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, atoms: Tensor, support: Support) -> Tensor:
        ctx.save_for_backward(values, atoms)
        ctx.support, ctx.leaf = support, atoms.is_leaf
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
            grad_atoms = to_latents(values, support, grad, run, ctx.leaf)
        return grad_values, grad_atoms, None


def take_rows(
    weight: Float[Tensor, "width d"], latents: Int[Tensor, " some"]
) -> Float[Tensor, "some d"]:
    """`weight[latents]`, of ascending latents, with a gradient to these rows alone."""
    out: Tensor = _TakeRows.apply(weight, latents)  # type: ignore[no-untyped-call]
    return out


class _TakeRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, latents: Tensor) -> Tensor:
        ctx.save_for_backward(latents)
        ctx.width, ctx.leaf = weight.shape[0], weight.is_leaf
        return weight[latents]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (latents,) = ctx.saved_tensors
        if ctx.leaf and wants_rows():
            return as_gradient(grads[0], latents, ctx.width), None
        return grads[0].new_zeros(ctx.width, grads[0].shape[1]).index_copy_(
            0, latents, grads[0]
        ), None


def to_latents(values: Tensor, support: Support, x: Tensor, run: Backend, is_leaf: bool) -> Tensor:
    """For every latent the sum of `values * x[row]` over its entries: a gradient [width, d].

    Only a leaf's gradient may hold touched rows alone: what made another tensor wants it dense.
    """
    by_latent = _by_latent(support, run)
    # With more entries than this, most rows are touched, and a dense gradient is the smaller.
    if not is_leaf or not wants_rows() or 2 * support.indices.shape[0] > support.width:
        return run.outer(values, by_latent, x)
    touched = by_latent.offsets.diff().nonzero().squeeze(1)
    offsets = torch.cat([by_latent.offsets[touched], by_latent.offsets[-1:]])
    rows = run.decode(values[by_latent.order], offsets, by_latent.rows, x)
    return as_gradient(rows, touched, support.width)


def _by_latent(support: Support, run: Backend) -> ByLatent:
    """Every gradient of one step needs the same transpose: made once, kept with the support."""
    kept: ByLatent | None = support.__dict__.get("_by_latent")
    if kept is None:
        kept = run.transpose(support)
        support.__dict__["_by_latent"] = kept
    return kept
