"""Kernels as differentiable operations of autograd."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.kernels.dispatch import Backend, backend
from sparsetime.kernels.row_sparse import as_gradient, row_gradients_enabled
from sparsetime.support import ByLatent, Support


def gather_dot(
    x: Float[Tensor, "rows d"], weight: Float[Tensor, "width d"], support: Support
) -> Float[Tensor, " entries"]:
    """Dot product `x[row] · weight[index]` at every entry, with gradients to both."""
    out: Tensor = _GatherDot.apply(x, weight, None, support, None)  # type: ignore[no-untyped-call]
    return out


def pre_activations_at(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    support: Support,
    precomputed: Float[Tensor, " entries"] | None = None,
) -> Float[Tensor, " entries"]:
    """`x[row] · weight[index] + bias[index]` at every entry, with gradients to all three.

    precomputed: the values, where selection has computed them; then only gradients are added.
    """
    out: Tensor = _GatherDot.apply(x, weight, bias, support, precomputed)  # type: ignore[no-untyped-call]
    return out


def decode(
    values: Float[Tensor, " entries"], support: Support, atoms: Float[Tensor, "width d"]
) -> Float[Tensor, "rows d"]:
    """Sum of `value * atom` over the entries of each row, with gradients to values and atoms."""
    out: Tensor = _Decode.apply(values, atoms, support)  # type: ignore[no-untyped-call]
    return out


def at_entries(vector: Float[Tensor, " width"], support: Support) -> Float[Tensor, " entries"]:
    """The element `vector[index]` at every entry, with its gradient."""
    out: Tensor = _AtEntries.apply(vector, support)  # type: ignore[no-untyped-call]
    return out


class _AtEntries(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vector: Tensor, support: Support) -> Tensor:
        ctx.support = support
        return vector[support.indices]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        run = backend(grads[0])
        by_latent = _by_latent(ctx.support, run)
        return run.sums_by_latent(grads[0], ctx.support, by_latent), None


class _GatherDot(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        support: Support,
        precomputed: Tensor | None,
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.support, ctx.leaf = support, weight.is_leaf
        if precomputed is not None:
            return precomputed
        dots = backend(x).gather_dot(x, weight, support)
        return dots if bias is None else dots.add_(bias.index_select(0, support.indices))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        support: Support = ctx.support
        run = backend(x)
        to_x = to_weight = to_bias = None
        if ctx.needs_input_grad[0]:
            to_x = run.decode(grad, support.offsets, support.indices, weight)
        if ctx.needs_input_grad[1]:
            to_weight = sum_by_latent(grad, support, x, run, ctx.leaf)
        if ctx.needs_input_grad[2]:
            to_bias = run.sums_by_latent(grad, support, _by_latent(support, run))
        return to_x, to_weight, to_bias, None, None


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
            grad_atoms = sum_by_latent(values, support, grad, run, ctx.leaf)
        return grad_values, grad_atoms, None


def take_rows(
    weight: Float[Tensor, "width d"], latents: Int[Tensor, " some"]
) -> Float[Tensor, "some d"]:
    """Rows `weight[latents]` of ascending latents, with a gradient to these rows alone."""
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
        if ctx.leaf and row_gradients_enabled():
            return as_gradient(grads[0], latents, ctx.width), None
        return grads[0].new_zeros(ctx.width, grads[0].shape[1]).index_copy_(
            0, latents, grads[0]
        ), None


def sum_by_latent(
    values: Tensor, support: Support, x: Tensor, run: Backend, is_leaf: bool
) -> Tensor:
    """Sum of `values * x[row]` over the entries of every latent: a gradient [width, d].

    Only the gradient of a leaf may be sparse: the operation behind another tensor needs it dense.
    """
    by_latent = _by_latent(support, run)
    # With more entries than this, most rows are nonzero, and a dense gradient is smaller.
    if not is_leaf or not row_gradients_enabled() or 2 * support.indices.shape[0] > support.width:
        return run.outer(values, by_latent, x)
    touched = by_latent.offsets.diff().nonzero().squeeze(1)
    offsets = torch.cat([by_latent.offsets[touched], by_latent.offsets[-1:]])
    rows = run.decode(values[by_latent.order], offsets, by_latent.rows, x)
    return as_gradient(rows, touched, support.width)


def _by_latent(support: Support, run: Backend) -> ByLatent:
    """The transpose of a support, cached on it, since every gradient of a step needs it."""
    cached: ByLatent | None = support.__dict__.get("_by_latent")
    if cached is None:
        cached = run.transpose(support)
        support.__dict__["_by_latent"] = cached
    return cached
