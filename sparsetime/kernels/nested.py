"""Squared reconstruction error of nested prefixes of latents, in one pass over the code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.codes import offsets_of
from sparsetime.kernels.autograd import sum_by_latent
from sparsetime.kernels.dispatch import backend
from sparsetime.kernels.nested_residuals import NestedResiduals
from sparsetime.kernels.reference import squared_residuals
from sparsetime.support import Support


def squared_error(
    values: Float[Tensor, " entries"],
    support: Support,
    atoms: Float[Tensor, "width d"],
    bias: Float[Tensor, " d"],
    target: Float[Tensor, "rows d"],
    ends: tuple[int, ...],
    shares: tuple[float, ...] = (1.0,),
    total: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Float[Tensor, ""], Float[Tensor, "rows d"]]:
    """Mean squared error of the reconstruction by each prefix of latents, and the last residual.

        error = Σ_g share_g · mean_n ||target_n - bias - Σ_{i < end_g} z_{n,i} · atom_i||²

    Entries ascend within a row, so a prefix is a contiguous run of them: every entry is subtracted
    once from a running residual. The derivatives by the values come from the same pass over the
    atoms. Gradients of the error go to values, atoms, bias and target; the residual has none.

    ends: the end of each prefix; the last is the width. shares: of each prefix; 1 for one alone.
    total: the sum over processes of what their latents reconstruct, where there are several.
    """
    return _SquaredError.apply(  # type: ignore[no-untyped-call, no-any-return]
        values, atoms, bias, target, by_group(support, ends), shares, total
    )


def by_group(support: Support, ends: tuple[int, ...]) -> Support:
    """The same entries with one row for every pair of row and group: [rows * groups]."""
    groups = len(ends)
    if groups == 1:
        return support
    group = torch.bucketize(
        support.indices, torch.tensor(ends, device=support.indices.device), right=True
    )
    offsets = offsets_of(support.row_of_entry * groups + group, support.rows * groups)
    return Support(offsets, support.indices, support.width)


class _SquaredError(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        atoms: Tensor,
        bias: Tensor,
        target: Tensor,
        finer: Support,
        shares: tuple[float, ...],
        total: Callable[[Tensor], Tensor] | None,
    ) -> tuple[Tensor, Tensor]:
        run = backend(atoms)
        if total is None:
            of = run.nested_residuals(values, finer, atoms, bias, target, shares)
        else:
            parts = total(run.decode(values, finer.offsets, finer.indices, atoms))
            errors, slopes, residual = squared_residuals(parts, bias, target, shares)
            dots = run.gather_dot(slopes.flatten(0, 1), atoms, finer)
            of = NestedResiduals(errors, slopes, dots, residual)
        ctx.save_for_backward(values, atoms, of.slopes, of.dots)
        ctx.finer, ctx.leaf = finer, atoms.is_leaf
        ctx.mark_non_differentiable(of.residual)
        return of.errors.mean(), of.residual

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        values, atoms, slopes, dots = ctx.saved_tensors
        scale = grads[0] * (-2 / slopes.shape[0])
        to_values = to_atoms = to_bias = to_target = None
        if ctx.needs_input_grad[0]:
            to_values = dots * scale
        if ctx.needs_input_grad[1]:
            rows = slopes.flatten(0, 1)
            run = backend(atoms)
            to_atoms = sum_by_latent(values * scale, ctx.finer, rows, run, ctx.leaf)
        if ctx.needs_input_grad[2]:
            to_bias = slopes[:, 0].sum(0) * scale
        if ctx.needs_input_grad[3]:
            to_target = slopes[:, 0] * -scale
        return to_values, to_atoms, to_bias, to_target, None, None, None
