"""CPU kernels: compiled loops over the entries of sparse codes.

Selection, which torch's products precede, is in `cpu_select`.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.kernels import loops, reference
from sparsetime.kernels.adam_config import AdamStep
from sparsetime.kernels.attend_cpu import attend, attend_backward
from sparsetime.kernels.cpu_select import NO_SIGN, array_of, select
from sparsetime.kernels.latent_counts import LatentCounts
from sparsetime.kernels.nested_residuals import NestedResiduals
from sparsetime.kernels.row_sparse import GradientRows
from sparsetime.kernels.selection_rules import AbsTopKRule, BatchTopKRule, Rule, TopKRule
from sparsetime.support import ByLatent, Support

__all__ = [
    "adam",
    "attend",
    "attend_backward",
    "count_latents",
    "decode",
    "gather_dot",
    "kept_entries",
    "mask_of_largest",
    "nested_residuals",
    "outer",
    "project",
    "select",
    "sums_by_latent",
    "transpose",
]

# Instead of the numbers of the rows, where a gradient has all of them.
_OWN_ROWS = np.zeros(0, np.int64)


def kept_entries(
    support: Support, values: Float[Tensor, " entries"], rule: Rule
) -> Int[Tensor, " kept"]:
    """See `reference.kept_entries`."""
    offsets = support.offsets.numpy()
    bits = values.contiguous().view(torch.int32)
    match rule:
        case TopKRule(k):
            kept = loops.largest_of_entries_per_row(offsets, bits.numpy(), k)
        case AbsTopKRule(k):
            bits = bits & NO_SIGN[torch.int32]
            kept = loops.largest_of_entries_per_row(offsets, bits.numpy(), k)
        case BatchTopKRule(k):
            kept = loops.largest_of_entries(bits.numpy(), k * support.rows)
        case _:
            return reference.kept_entries(support, values, rule)
    return torch.from_numpy(kept)


def mask_of_largest(score: Float[Tensor, "rows some"], k: int) -> Bool[Tensor, "rows some"]:
    """See `reference.mask_of_largest`."""
    bits = loops.ascending_bits(array_of(score).view(np.int32))
    return torch.from_numpy(loops.mask_of_largest(bits, k))


def gather_dot(
    x: Float[Tensor, "rows d"], weight: Float[Tensor, "width d"], support: Support
) -> Float[Tensor, " entries"]:
    """See `reference.gather_dot`."""
    out = torch.empty(support.indices.shape[0])
    loops.gather_dot(
        array_of(x), array_of(weight), support.offsets.numpy(), support.indices.numpy(), out.numpy()
    )
    return out


def decode(
    values: Float[Tensor, " entries"],
    offsets: Tensor,
    indices: Tensor,
    atoms: Float[Tensor, "width d"],
) -> Float[Tensor, "rows d"]:
    """See `reference.decode`."""
    out = torch.empty(offsets.shape[0] - 1, atoms.shape[1])
    loops.decode(array_of(values), offsets.numpy(), indices.numpy(), array_of(atoms), out.numpy())
    return out


def outer(
    values: Float[Tensor, " entries"], by_latent: ByLatent, x: Float[Tensor, "rows d"]
) -> Float[Tensor, "width d"]:
    """See `reference.outer`."""
    ordered = values.index_select(0, by_latent.order)
    return decode(ordered, by_latent.offsets, by_latent.rows, x)


def sums_by_latent(
    values: Float[Tensor, " entries"], support: Support, by_latent: ByLatent
) -> Float[Tensor, " width"]:
    """See `reference.sums_by_latent`."""
    out = torch.empty(support.width)
    order, offsets = by_latent.order.numpy(), by_latent.offsets.numpy()
    loops.sums_of_runs(array_of(values), order, offsets, out.numpy())
    return out


def transpose(support: Support) -> ByLatent:
    """See `reference.transpose`: a counting sort."""
    offsets, rows, order = loops.transpose(
        support.offsets.numpy(), support.indices.numpy(), support.width
    )
    return ByLatent(torch.from_numpy(offsets), torch.from_numpy(rows), torch.from_numpy(order))


def nested_residuals(
    values: Float[Tensor, " entries"],
    finer: Support,
    atoms: Float[Tensor, "width d"],
    bias: Float[Tensor, " d"],
    target: Float[Tensor, "rows d"],
    shares: tuple[float, ...],
) -> NestedResiduals:
    """See `reference.nested_residuals`."""
    rows, d = target.shape
    errors, dots = torch.empty(rows), torch.empty(finer.indices.shape[0])
    slopes = torch.empty(rows, len(shares), d)
    # One group's slope is its residual.
    residual = slopes[:, 0] if len(shares) == 1 else torch.empty(rows, d)
    loops.nested_residuals(
        array_of(values),
        finer.offsets.numpy(),
        finer.indices.numpy(),
        array_of(atoms),
        array_of(bias),
        array_of(target),
        np.array(shares, np.float32),
        errors.numpy(),
        slopes.numpy(),
        dots.numpy(),
        residual.numpy(),
    )
    return NestedResiduals(errors, slopes, dots, residual)


def count_latents(support: Support) -> LatentCounts:
    """See `kernels.count_latents`."""
    by_latent = transpose(support)
    last = loops.last_of(by_latent.offsets.numpy(), by_latent.rows.numpy())
    pairs = loops.pairs_of(
        support.offsets.numpy(),
        support.indices.numpy(),
        by_latent.offsets.numpy(),
        by_latent.rows.numpy(),
        by_latent.order.numpy(),
    )
    counted = [torch.from_numpy(array) for array in (last, *pairs)]
    return LatentCounts(by_latent.offsets.diff(), *counted)


def project(gradient: GradientRows, weight: Float[Tensor, "width d"]) -> None:
    """See `adam.project`."""
    values = gradient.values
    indices = torch.arange(values.shape[0]) if gradient.indices is None else gradient.indices
    loops.project(values.numpy(), indices.numpy(), weight.detach().numpy())


def adam(
    weight: Float[Tensor, "width d"],
    first: Float[Tensor, "width d"],
    second: Float[Tensor, "width d"],
    gradient: GradientRows,
    scale: Float[Tensor, ""],
    step: AdamStep,
    unit_rows: bool,
) -> None:
    """See `adam.adam`."""
    row_of = _OWN_ROWS
    if gradient.indices is not None:
        rows = torch.arange(gradient.values.shape[0])
        row_of = torch.full((weight.shape[0],), -1).index_copy_(0, gradient.indices, rows).numpy()
    decays = (step.first_decay, step.second_decay)
    numbers = (float(scale), *decays, step.size, step.second_correction, step.epsilon)
    loops.adam(
        weight.detach().numpy(),
        first.numpy(),
        second.numpy(),
        array_of(gradient.values),
        row_of,
        tuple(np.float32(number) for number in numbers),
        unit_rows,
    )
    # torch does not see what loops write; kept integers of the weight are recognised by its count.
    torch.autograd.graph.increment_version(weight)
