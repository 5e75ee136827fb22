"""The kernels as differentiable operations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.errors import ConfigError
from sparsetime.kernels.dispatch import Backend, backend, backend_name
from sparsetime.kernels.rounding import latent_errors, row_errors
from sparsetime.kernels.rows import as_gradient, wants_rows
from sparsetime.kernels.rules import Above, AbsTopK, BatchTopK, NearTopK, Rule, TopK, TopKEach
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
    8-bit integers (`torch.int8`) only propose a quarter more places than the rule keeps, and the
    exact values at these decide.
    """
    if isinstance(rule, TopKEach) and dtype != torch.int8:
        return _narrowed(x, weight, bias, TopK(_most(rule)), rule, dtype)
    if dtype != torch.int8 or x.shape[0] == 0 or isinstance(rule, NearTopK):
        return backend(x).select(x, weight, bias, rule, dtype)
    if backend_name(x.device) == "gpu":
        raise ConfigError(
            "selection in 8-bit integers was asked for on a GPU, where it is not there: choose "
            "bfloat16 or float32, or leave selection_dtype at auto"
        )
    match rule:
        case TopK(k) | AbsTopK(k) | BatchTopK(k):
            wider: Rule = replace(rule, k=k + max(4, k // 4))
        case TopKEach():
            wider = TopK(_most(rule) + max(4, _most(rule) // 4))
        case Above(threshold):
            wider = Above(threshold - latent_errors(x, weight, bias, dtype))
    return _narrowed(x, weight, bias, wider, rule, dtype)


@torch.no_grad()
def select_exactly(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype = torch.float32,
) -> Support:
    """The places that `rule` keeps of exact float32 values, whatever the product is multiplied in.

    The product in `dtype` finds all places that its rounding leaves in doubt, exact values decide
    between them: a row's places depend on that row alone. With 8-bit integers the bound on the
    rounding is statistical: 8 standard deviations.
    """
    top = isinstance(rule, TopK | AbsTopK | TopKEach)
    if x.shape[0] == 0 or (top and backend_name(x.device) == "gpu"):
        return select(x, weight, bias, rule)
    match rule:
        case TopK(k) | AbsTopK(k):
            margin = 2 * row_errors(x, weight, bias, dtype)
            wider: Rule = NearTopK(k, margin, isinstance(rule, AbsTopK))
        case TopKEach():
            wider = NearTopK(_most(rule), 2 * row_errors(x, weight, bias, dtype))
        case Above(threshold):
            errors = latent_errors(x, weight, bias.abs() + threshold.abs(), dtype)
            wider = Above(threshold - errors)
        case _:
            raise TypeError(f"{rule} depends on more than a row: select it with `select`")
    return _narrowed(x, weight, bias, wider, rule, dtype)


def _most(rule: TopKEach) -> int:
    """The largest k of any row, and at least one."""
    return max(1, int(rule.k.max())) if rule.k.numel() else 1


def _narrowed(
    x: Tensor, weight: Tensor, bias: Tensor, wider: Rule, rule: Rule, dtype: torch.dtype
) -> Support:
    run = backend(x)
    proposed = run.select(x, weight, bias, wider, dtype)
    values = run.gather_dot(x, weight, proposed) + bias[proposed.indices]
    return run.keep(proposed, values, rule)


@torch.no_grad()
def mask_of_largest(score: Float[Tensor, "rows some"], k: int) -> Bool[Tensor, "rows some"]:
    """The k largest of each row of a small dense matrix, of either sign."""
    return backend(score).mask_of_largest(score, k)


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
        ctx.support, ctx.leaf = support, weight.is_leaf
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
            grad_weight = to_latents(grad, support, x, run, ctx.leaf)
        return grad_x, grad_weight, None


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
