"""The kernels in plain PyTorch: slow, short, and the truth the fast ones are tested against.

Shapes throughout: x [rows, d], weight [width, d], bias [width], atoms [width, d]; a support's
offsets [rows + 1] and indices [entries]; values [entries].
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from sparsetime.kernels.adam_config import AdamStep
from sparsetime.kernels.latent_counts import Statistics
from sparsetime.kernels.row_sparse import Rows
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

# Rows of `d` gathered at once, so that a code with many entries never needs [entries, d] memory.
_ENTRIES_AT_ONCE = 1 << 16


def select(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype,
) -> Support:
    """The places that `rule` keeps of `x @ weight.T + bias`, multiplied in `dtype`."""
    return select_dense(_product(x, weight, dtype) + bias, rule)


def _product(x: Tensor, weight: Tensor, dtype: torch.dtype) -> Float[Tensor, "rows width"]:
    if dtype != torch.int8:
        return (x.to(dtype) @ weight.to(dtype).T).float()
    (rows, row_scales), (latents, latent_scales) = quantise(x), quantise(weight)
    sums = (rows.double() @ latents.double().T).float()
    return sums * (row_scales[:, None] * latent_scales)


def quantise(x: Float[Tensor, "rows d"]) -> tuple[Tensor, Float[Tensor, " rows"]]:
    """Every row as 8-bit integers, and what they are to be multiplied by."""
    largest = x.abs().amax(1)
    scale = torch.where(largest > 0, largest / 127, 1.0)
    return (x * (1 / scale)[:, None]).round().to(torch.int8), scale


def select_dense(pre: Float[Tensor, "rows width"], rule: Rule) -> Support:
    """The places that `rule` keeps of pre-activations that exist already."""
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
        case TopKPerRowRule(each):
            order = pre.argsort(dim=1, descending=True, stable=True)
            keep = (order.argsort(dim=1) < each[:, None]) & (pre > 0)
        case NearTopKRule(k, margin, magnitude):
            score = pre.abs() if magnitude else pre
            kth = score.kthvalue(width - min(k, width) + 1, dim=1).values.clamp_min(0)
            keep = score > (kth - margin)[:, None]
    row, indices = keep.nonzero(as_tuple=True)
    counts = torch.bincount(row, minlength=rows)
    return Support(torch.cat([counts.new_zeros(1), counts.cumsum(0)]), indices, width)


def mask_of_largest(score: Float[Tensor, "rows some"], k: int) -> Bool[Tensor, "rows some"]:
    """The k largest of each row, of either sign; of equal scores the first ones."""
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
    """`x[row] · weight[index]` for every entry, in float32."""
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
    """Sum of `values * atoms[indices]` over each row's entries; empty rows give zeros."""
    if indices.shape[0] == 0:
        return atoms.new_zeros(offsets.shape[0] - 1, atoms.shape[1])
    return functional.embedding_bag(
        indices, atoms, offsets[:-1], mode="sum", per_sample_weights=values.to(atoms.dtype)
    )


def outer(
    values: Float[Tensor, " entries"], by_latent: ByLatent, x: Float[Tensor, "rows d"]
) -> Float[Tensor, "width d"]:
    """The transpose of `decode`: for every latent the sum of `values * x[row]` over its entries."""
    return decode(values[by_latent.order], by_latent.offsets, by_latent.rows, x)


def transpose(support: Support) -> ByLatent:
    """The support seen from the latents."""
    order = torch.argsort(support.indices, stable=True)
    counts = torch.bincount(support.indices, minlength=support.width)
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    return ByLatent(offsets, support.row_of_entry[order], order)


def kept(support: Support, values: Float[Tensor, " entries"], rule: Rule) -> Int[Tensor, " kept"]:
    """Which entries of a support, by their values, the rule keeps: their places, ascending."""
    row, count = support.row_of_entry, support.rows
    match rule:
        case TopKRule(k):
            stays = (_rank(values, row, count) < k) & (values > 0)
        case AbsTopKRule(k):
            stays = (_rank(values.abs(), row, count) < k) & (values != 0)
        case BatchTopKRule(k):
            stays = (_rank(values, torch.zeros_like(row), 1) < k * count) & (values > 0)
        case TopKPerRowRule(each):
            stays = (_rank(values, row, count) < each[row]) & (values > 0)
        case ThresholdRule(threshold):
            stays = values > threshold.expand(support.width)[support.indices]
        case NearTopKRule():
            raise TypeError("NearTopKRule widens a selection; it does not narrow one")
    return stays.nonzero().squeeze(1)


def _rank(score: Float[Tensor, " entries"], row: Tensor, rows: int) -> Tensor:
    """How many entries of the same row are larger, or as large and earlier."""
    falling = score.argsort(descending=True, stable=True)
    order = falling[row[falling].argsort(stable=True)]
    starts = torch.searchsorted(row[order], torch.arange(rows, device=row.device))
    places = torch.arange(score.shape[0], device=row.device) - starts[row[order]]
    return torch.empty_like(places).index_copy_(0, order, places)


def nested_differences(
    values: Float[Tensor, " entries"],
    finer: Support,
    atoms: Float[Tensor, "width d"],
    aim: Float[Tensor, "rows d"],
    groups: int,
) -> Float[Tensor, "rows groups d"]:
    """What each prefix of groups gives, less the aim; `finer` has a row for each row and group."""
    parts = decode(values, finer.offsets, finer.indices, atoms)
    return parts.reshape(aim.shape[0], groups, aim.shape[1]).cumsum(1) - aim[:, None]


def suffix_sums(
    errors: Float[Tensor, "rows groups d"], weights: Float[Tensor, " groups"]
) -> Float[Tensor, "rows groups d"]:
    """For every group the weighted sum of the errors of it and of those that follow."""
    return (errors * weights[:, None]).flip(1).cumsum(1).flip(1)


def statistics(support: Support) -> Statistics:
    """See `statistics.statistics`."""
    indices, width = support.indices, support.width
    fired = torch.bincount(indices, minlength=width)
    last = torch.full_like(fired, -1)
    last.scatter_reduce_(0, indices, support.row_of_entry, "amax")
    # Every entry pairs with those after it in its row.
    place = torch.arange(indices.shape[0], device=indices.device)
    following = support.offsets[1:][support.row_of_entry] - place - 1
    first = place.repeat_interleave(following)
    step = torch.arange(first.shape[0], device=indices.device)
    step = step - (following.cumsum(0) - following).repeat_interleave(following)
    pairs = indices[first] * width + indices[first + 1 + step]
    pairs, together = pairs.unique(return_counts=True)
    counts = torch.bincount(pairs // width, minlength=width)
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    return Statistics(fired, last, offsets, pairs % width, together)


def adam(
    weight: Float[Tensor, "width d"],
    first: Float[Tensor, "width d"],
    second: Float[Tensor, "width d"],
    gradient: Rows,
    scale: Float[Tensor, ""],
    step: AdamStep,
    unit_rows: bool,
) -> None:
    """See `adam.adam`."""
    scaled = gradient.values * scale
    first.mul_(step.first_decay)
    second.mul_(step.second_decay)
    if gradient.places is None:
        first.add_(scaled, alpha=1 - step.first_decay)
        second.addcmul_(scaled, scaled, value=1 - step.second_decay)
    else:
        first.index_add_(0, gradient.places, scaled, alpha=1 - step.first_decay)
        second.index_add_(0, gradient.places, scaled.square_(), alpha=1 - step.second_decay)
    denominator = (second.sqrt() / step.second_correction).add_(step.epsilon)
    weight.addcdiv_(first, denominator, value=-step.size)
    if unit_rows:
        weight.div_(weight.norm(dim=1, keepdim=True).clamp_min_(1e-8))


def project(gradient: Rows, weight: Float[Tensor, "width d"]) -> None:
    """See `adam.project`."""
    own = weight if gradient.places is None else weight[gradient.places]
    along = (gradient.values * own).sum(1, keepdim=True)
    gradient.values.addcmul_(along, own, value=-1)
