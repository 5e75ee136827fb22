"""Reconstruction errors of all nested prefixes of latents, in one pass over the code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.codes import offsets_of
from sparsetime.kernels.autograd import sum_by_latent
from sparsetime.kernels.dispatch import backend
from sparsetime.support import Support


def nested_errors(
    values: Float[Tensor, " entries"],
    support: Support,
    atoms: Float[Tensor, "width d"],
    aim: Float[Tensor, "rows d"],
    ends: tuple[int, ...],
    total: Callable[[Tensor], Tensor] | None = None,
) -> Float[Tensor, " groups"]:
    """Mean squared error of the reconstruction by each prefix of latents.

        error_g = mean_n ||aim_n - Σ_{i < ends_g} z_{n,i} · atom_i||²

    Entries ascend within a row, so a prefix is a contiguous run of them: every entry is added once
    to a running sum, which is compared with the aim at the end of every group. Gradients go to
    values, atoms and aim. ends: the end of each prefix; the last is the width. total: the sum over
    processes of the reconstructions [rows, groups, d] of their latents, where there are several.
    """
    out: Tensor = _NestedErrors.apply(  # type: ignore[no-untyped-call]
        values, atoms, aim, by_group(support, ends), len(ends), total
    )
    return out


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


class _NestedErrors(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        atoms: Tensor,
        aim: Tensor,
        finer: Support,
        groups: int,
        total: Callable[[Tensor], Tensor] | None,
    ) -> Tensor:
        differences = backend(atoms).nested_differences
        if total is None:
            errors = differences(values, finer, atoms, aim, groups)
        else:
            errors = differences(values, finer, atoms, torch.zeros_like(aim), groups)
            errors = total(errors) - aim[:, None]
        ctx.save_for_backward(values, atoms, errors)
        ctx.finer, ctx.leaf = finer, atoms.is_leaf
        return errors.square().sum(2).mean(0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        values, atoms, errors = ctx.saved_tensors
        finer: Support = ctx.finer
        run = backend(atoms)
        # An entry contributes to the prefix of its own group and to all later prefixes.
        slopes = run.suffix_sums(errors, grads[0] * (2 / errors.shape[0]))
        flat = slopes.reshape(-1, slopes.shape[2])
        grad_values = grad_atoms = grad_aim = None
        if ctx.needs_input_grad[0]:
            grad_values = run.gather_dot(flat, atoms, finer)
        if ctx.needs_input_grad[1]:
            grad_atoms = sum_by_latent(values, finer, flat, run, ctx.leaf)
        if ctx.needs_input_grad[2]:
            grad_aim = -slopes[:, 0]
        return grad_values, grad_atoms, grad_aim, None, None, None
