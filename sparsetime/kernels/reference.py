"""Reference kernels in plain PyTorch: slow and short; tests compare the fast ones with them.

Shapes throughout: x [rows, d], weight [width, d], bias [width], atoms [width, d]; a support's
offsets [rows + 1] and indices [entries]; values [entries].
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from sparsetime.kernels.adam_config import AdamStep
from sparsetime.kernels.attend_reference import attend as attend
from sparsetime.kernels.attend_reference import attend_backward as attend_backward
from sparsetime.kernels.latent_counts import LatentCounts
from sparsetime.kernels.nested_residuals import NestedResiduals
from sparsetime.kernels.row_ranks import rank_in_row
from sparsetime.kernels.row_sparse import GradientRows
from sparsetime.kernels.selection_rules import (
    AbsTopKRule,
    BatchTopKRule,
    NearTopKRule,
    Rule,
    ThresholdRule,
    TopKPerRowRule,
    TopKRule,
)
from sparsetime.support import ByLatent, Support

# Entries gathered at once, so that a code with many entries needs no memory of [entries, d].
_ENTRIES_AT_ONCE = 1 << 16


def select(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype,
) -> Support:
    """Support of the entries that `rule` keeps of `x @ weight.T + bias`, multiplied in `dtype`."""
    return select_dense(_product(x, weight, dtype) + bias, rule)


def _product(x: Tensor, weight: Tensor, dtype: torch.dtype) -> Float[Tensor, "rows width"]:
    if dtype != torch.int8:
        return (x.to(dtype) @ weight.to(dtype).T).float()
    (rows, row_scales), (latents, latent_scales) = quantise(x), quantise(weight)
    sums = (rows.double() @ latents.double().T).float()
    return sums * (row_scales[:, None] * latent_scales)


def quantise(x: Float[Tensor, "rows d"]) -> tuple[Tensor, Float[Tensor, " rows"]]:
    """Rows quantised to 8-bit integers, and the scale of every row."""
    largest = x.abs().amax(1)
    scale = torch.where(largest > 0, largest / 127, 1.0)
    return (x * (1 / scale)[:, None]).round().to(torch.int8), scale


def select_dense(pre: Float[Tensor, "rows width"], rule: Rule) -> Support:
    """Support of the entries that `rule` keeps of given pre-activations."""
    rows, width = pre.shape
    match rule:
        case TopKRule(k):
            keep = mask_of_largest(pre, k) & (pre > 0)
        case AbsTopKRule(k):
            keep = mask_of_largest(pre.abs(), k) & (pre != 0)
        case BatchTopKRule(k):
            total = min(k * rows, pre.numel())
            keep = mask_of_largest(pre.reshape(1, -1), total).reshape(rows, width) & (pre > 0)
        case ThresholdRule(threshold):
            keep = pre > threshold
        case TopKPerRowRule(k_of_row):
            order = pre.argsort(dim=1, descending=True, stable=True)
            keep = (order.argsort(dim=1) < k_of_row[:, None]) & (pre > 0)
        case NearTopKRule(k, margin, magnitude):
            score = pre.abs() if magnitude else pre
            kth = score.kthvalue(width - min(k, width) + 1, dim=1).values.clamp_min(0)
            keep = score > (kth - margin)[:, None]
    row, indices = keep.nonzero(as_tuple=True)
    counts = torch.bincount(row, minlength=rows)
    return Support(torch.cat([counts.new_zeros(1), counts.cumsum(0)]), indices, width)


def mask_of_largest(score: Float[Tensor, "rows some"], k: int) -> Bool[Tensor, "rows some"]:
    """Mask of the k largest entries of each row, of either sign; of equal scores the first."""
    if k >= score.shape[1]:
        return torch.ones_like(score, dtype=torch.bool)
    kth = score.kthvalue(score.shape[1] - k + 1, dim=1, keepdim=True).values
    above = score > kth
    tied = score == kth
    room = k - above.sum(1, keepdim=True)
    return above | (tied & (tied.cumsum(1) <= room))


def gather_dot(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    support: Support,
) -> Float[Tensor, " entries"]:
    """Dot product `x[row] · weight[index]` for every entry, in float32."""
    row, indices = support.row_of_entry, support.indices
    out = x.new_empty(indices.shape[0])
    for start in range(0, indices.shape[0], _ENTRIES_AT_ONCE):
        part = slice(start, start + _ENTRIES_AT_ONCE)
        out[part] = (x[row[part]] * weight[indices[part]]).sum(1)
    return out


def decode(
    values: Float[Tensor, " entries"],
    offsets: Tensor,
    indices: Tensor,
    atoms: Float[Tensor, "width d"],
) -> Float[Tensor, "rows d"]:
    """Sum of `values * atoms[indices]` over the entries of each row; zero for empty rows."""
    if indices.shape[0] == 0:
        return atoms.new_zeros(offsets.shape[0] - 1, atoms.shape[1])
    return functional.embedding_bag(
        indices, atoms, offsets[:-1], mode="sum", per_sample_weights=values.to(atoms.dtype)
    )


def outer(
    values: Float[Tensor, " entries"], by_latent: ByLatent, x: Float[Tensor, "rows d"]
) -> Float[Tensor, "width d"]:
    """Transpose of `decode`: sum of `values * x[row]` over the entries of every latent."""
    return decode(values[by_latent.order], by_latent.offsets, by_latent.rows, x)


def sums_by_latent(
    values: Float[Tensor, " entries"], support: Support, by_latent: ByLatent
) -> Float[Tensor, " width"]:
    """Sum of the values of every latent; `by_latent` is the support's transpose."""
    return values.new_zeros(support.width).index_put_((support.indices,), values, accumulate=True)


def transpose(support: Support) -> ByLatent:
    """The support with its entries sorted by latent."""
    order = torch.argsort(support.indices, stable=True)
    counts = torch.bincount(support.indices, minlength=support.width)
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    return ByLatent(offsets, support.row_of_entry[order], order)


def kept_entries(
    support: Support, values: Float[Tensor, " entries"], rule: Rule
) -> Int[Tensor, " kept"]:
    """Ascending positions of the entries of a support that the rule keeps by their values."""
    row, count = support.row_of_entry, support.rows
    match rule:
        case TopKRule(k):
            keep = (rank_in_row(values, row, count) < k) & (values > 0)
        case AbsTopKRule(k):
            keep = (rank_in_row(values.abs(), row, count) < k) & (values != 0)
        case BatchTopKRule(k):
            keep = (rank_in_row(values, torch.zeros_like(row), 1) < k * count) & (values > 0)
        case TopKPerRowRule(k_of_row):
            keep = (rank_in_row(values, row, count) < k_of_row[row]) & (values > 0)
        case ThresholdRule(threshold):
            keep = values > threshold.expand(support.width)[support.indices]
        case NearTopKRule():
            raise TypeError("got NearTopKRule, expected a rule that narrows a selection")
    return keep.nonzero().squeeze(1)


def nested_residuals(
    values: Float[Tensor, " entries"],
    finer: Support,
    atoms: Float[Tensor, "width d"],
    bias: Float[Tensor, " d"],
    target: Float[Tensor, "rows d"],
    shares: tuple[float, ...],
) -> NestedResiduals:
    """Residuals of each prefix of groups; `finer` is the support of `nested.by_group`.

    shares: the weight of each group; 1 where there is one group.
    """
    parts = decode(values, finer.offsets, finer.indices, atoms)
    errors, slopes, residual = squared_residuals(parts, bias, target, shares)
    return NestedResiduals(errors, slopes, gather_dot(slopes.flatten(0, 1), atoms, finer), residual)


def squared_residuals(
    parts: Float[Tensor, "rows_times_groups d"],
    bias: Float[Tensor, " d"],
    target: Float[Tensor, "rows d"],
    shares: tuple[float, ...],
) -> tuple[Float[Tensor, " rows"], Float[Tensor, "rows groups d"], Float[Tensor, "rows d"]]:
    """Errors, slopes and the last residual of `NestedResiduals`; parts: the sum of every group."""
    if len(shares) == 1:
        residual = target - bias - parts
        return residual.square().sum(1), residual[:, None], residual
    residuals = (target - bias)[:, None] - parts.unflatten(0, (-1, len(shares))).cumsum(1)
    weights = residuals.new_tensor(shares)
    errors = residuals.square().sum(2) @ weights
    slopes = (residuals * weights[:, None]).flip(1).cumsum(1).flip(1)
    return errors, slopes, residuals[:, -1]


def count_latents(support: Support) -> LatentCounts:
    """See `kernels.count_latents`."""
    indices, width = support.indices, support.width
    fired = torch.bincount(indices, minlength=width)
    last = torch.full_like(fired, -1)
    last.scatter_reduce_(0, indices, support.row_of_entry, "amax")
    # Every entry pairs with those after it in its row.
    position = torch.arange(indices.shape[0], device=indices.device)
    following = support.offsets[1:][support.row_of_entry] - position - 1
    first = position.repeat_interleave(following)
    step = torch.arange(first.shape[0], device=indices.device)
    step = step - (following.cumsum(0) - following).repeat_interleave(following)
    pairs = indices[first] * width + indices[first + 1 + step]
    pairs, together = pairs.unique(return_counts=True)
    counts = torch.bincount(pairs // width, minlength=width)
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    return LatentCounts(fired, last, offsets, pairs % width, together)


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
    scaled = gradient.values * scale
    first.mul_(step.first_decay)
    second.mul_(step.second_decay)
    if gradient.indices is None:
        first.add_(scaled, alpha=1 - step.first_decay)
        second.addcmul_(scaled, scaled, value=1 - step.second_decay)
    else:
        first.index_add_(0, gradient.indices, scaled, alpha=1 - step.first_decay)
        second.index_add_(0, gradient.indices, scaled.square_(), alpha=1 - step.second_decay)
    denominator = (second.sqrt() / step.second_correction).add_(step.epsilon)
    weight.addcdiv_(first, denominator, value=-step.size)
    if unit_rows:
        weight.div_(weight.norm(dim=1, keepdim=True).clamp_min_(1e-8))


def project(gradient: GradientRows, weight: Float[Tensor, "width d"]) -> None:
    """See `adam.project`."""
    atoms = weight if gradient.indices is None else weight[gradient.indices]
    along = (gradient.values * atoms).sum(1, keepdim=True)
    gradient.values.addcmul_(along, atoms, value=-1)
