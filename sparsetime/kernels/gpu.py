"""GPU kernels: torch multiplies tiles, Triton programs do the sparse operations.

No [rows, width] tensor is ever allocated: the product is computed in tiles of some rows in one
reused buffer, and its largest entries are found by the maxima of blocks of columns. No two programs
add to the same float, so results are deterministic.
"""

from __future__ import annotations

import torch
import triton
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.kernels import gpu_programs as programs
from sparsetime.kernels import reference
from sparsetime.kernels.adam_config import AdamStep
from sparsetime.kernels.attend_reference import attend, attend_backward
from sparsetime.kernels.gpu_select import select
from sparsetime.kernels.gpu_tiles import block_of, blocks, launch
from sparsetime.kernels.latent_counts import LatentCounts
from sparsetime.kernels.nested_residuals import NestedResiduals
from sparsetime.kernels.row_sparse import GradientRows
from sparsetime.kernels.selection_rules import AbsTopKRule, Rule, TopKPerRowRule, TopKRule
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

# Entries of a block, and the most columns of one, that a program of `gather_dot` loads at once.
_ENTRIES = 16
_COLUMNS = 128
# For `decode`: mean entries of a row up to which a shape is used, then entries and columns that a
# program loads at once, and its warps: the fastest of twelve on an H100, with rows of which some
# have a thousand times more entries than others. One warp waits for no other when it adds.
_DECODE_SHAPES = ((4, 8, 128, 1), (16, 32, 128, 1), (1 << 40, 16, 128, 1))
# Scores of a row that one step of a pass over it reads.
_SCORES_AT_ONCE = 512
# Elements of a matrix without unit rows that one program of Adam updates.
_ELEMENTS = 1024


def kept_entries(
    support: Support, values: Float[Tensor, " entries"], rule: Rule
) -> Int[Tensor, " kept"]:
    """See `reference.kept_entries`. Synchronises with the GPU, for the number of entries."""
    match rule:
        case TopKRule(k) | AbsTopKRule(k):
            k_of_row = torch.full((support.rows,), k, device=values.device)
        case TopKPerRowRule(k_of_row):
            pass
        case _:
            return reference.kept_entries(support, values, rule)
    score = values.abs() if isinstance(rule, AbsTopKRule) else values
    keep = torch.empty(values.shape, dtype=torch.int8, device=values.device)
    launch(
        programs.largest_of_runs,
        (support.rows,),
        score.contiguous(),
        support.offsets,
        k_of_row,
        keep,
        COLUMNS=_SCORES_AT_ONCE,
    )
    return keep.nonzero().squeeze(1)


def mask_of_largest(score: Float[Tensor, "rows some"], k: int) -> Bool[Tensor, "rows some"]:
    """See `reference.mask_of_largest`."""
    return reference.mask_of_largest(score, k)


def gather_dot(
    x: Float[Tensor, "rows d"], weight: Float[Tensor, "width d"], support: Support
) -> Float[Tensor, " entries"]:
    """See `reference.gather_dot`."""
    entries, d = support.indices.shape[0], x.shape[1]
    out = torch.empty(entries, device=x.device)
    launch(
        programs.gather_dot,
        (blocks(entries, _ENTRIES),),
        x.contiguous(),
        weight.contiguous(),
        support.row_of_entry,
        support.indices.contiguous(),
        out,
        entries,
        d,
        ENTRIES=_ENTRIES,
        COLUMNS=block_of(d, _COLUMNS),
    )
    return out


def decode(
    values: Float[Tensor, " entries"],
    offsets: Tensor,
    indices: Tensor,
    atoms: Float[Tensor, "width d"],
) -> Float[Tensor, "rows d"]:
    """See `reference.decode`."""
    rows, d = offsets.shape[0] - 1, atoms.shape[1]
    out = torch.empty(rows, d, device=atoms.device)
    mean = blocks(indices.shape[0], max(rows, 1))
    at_once, most, warps = next(shape for limit, *shape in _DECODE_SHAPES if mean <= limit)
    columns = block_of(d, most)
    launch(
        programs.decode,
        (rows, blocks(d, columns)),
        values.contiguous(),
        offsets.contiguous(),
        indices.contiguous(),
        atoms.contiguous(),
        out,
        d,
        ENTRIES=at_once,
        COLUMNS=columns,
        num_warps=warps,
    )
    return out


def sums_by_latent(
    values: Float[Tensor, " entries"], support: Support, by_latent: ByLatent
) -> Float[Tensor, " width"]:
    """See `reference.sums_by_latent`: by the transpose, since sums of floats have an order."""
    ordered = values.contiguous()[by_latent.order]
    out = torch.empty(support.width, device=values.device)
    launch(programs.sums_of_runs, (support.width,), ordered, by_latent.offsets, out, ENTRIES=32)
    return out


def outer(
    values: Float[Tensor, " entries"], by_latent: ByLatent, x: Float[Tensor, "rows d"]
) -> Float[Tensor, "width d"]:
    """See `reference.outer`."""
    return decode(values[by_latent.order], by_latent.offsets, by_latent.rows, x)


def transpose(support: Support) -> ByLatent:
    """See `reference.transpose`: a stable sort of int32, half the bytes of the indices."""
    latents, order = support.indices.to(torch.int32).sort(stable=True)
    return ByLatent(_starts(latents, support.width), support.row_of_entry[order], order)


def nested_residuals(
    values: Float[Tensor, " entries"],
    finer: Support,
    atoms: Float[Tensor, "width d"],
    bias: Float[Tensor, " d"],
    target: Float[Tensor, "rows d"],
    shares: tuple[float, ...],
) -> NestedResiduals:
    """See `reference.nested_residuals`."""
    parts = decode(values, finer.offsets, finer.indices, atoms)
    errors, slopes, residual = reference.squared_residuals(parts, bias, target, shares)
    return NestedResiduals(errors, slopes, gather_dot(slopes.flatten(0, 1), atoms, finer), residual)


def count_latents(support: Support) -> LatentCounts:
    """See `kernels.count_latents`: by sorts, which are fast on a GPU."""
    return reference.count_latents(support)


def project(gradient: GradientRows, weight: Float[Tensor, "width d"]) -> None:
    """See `adam.project`."""
    values = gradient.values
    rows, d = values.shape
    indices = gradient.indices
    if indices is None:
        indices = torch.arange(rows, device=values.device)
    columns = triton.next_power_of_2(d)
    launch(programs.project, (rows,), values, indices, weight.detach(), d, COLUMNS=columns)


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
    (width, d), values = weight.shape, gradient.values.contiguous()
    if gradient.indices is not None:
        row_of = torch.full((width,), -1, device=weight.device)
        numbers = torch.arange(values.shape[0], device=weight.device)
        row_of.index_copy_(0, gradient.indices, numbers)
    else:
        row_of = None
        if not unit_rows:
            # Elements are independent, so a vector is cut into rows of its own.
            width, d = blocks(weight.numel(), _ELEMENTS), _ELEMENTS
    launch(
        programs.adam,
        (width,),
        weight.detach(),
        first,
        second,
        values,
        row_of,
        scale,
        step.first_decay,
        step.second_decay,
        step.size,
        step.second_correction,
        step.epsilon,
        d,
        weight.numel(),
        UNIT_ROWS=unit_rows,
        COLUMNS=triton.next_power_of_2(d),
    )


def _starts(ascending: Tensor, size: int) -> Tensor:
    """Start of each number below `size` in a sorted list of numbers: [size + 1]."""
    numbers = torch.arange(size + 1, dtype=ascending.dtype, device=ascending.device)
    return torch.searchsorted(ascending, numbers)
