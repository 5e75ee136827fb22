"""The kernels in plain PyTorch: slow, short, and the truth the fast ones are tested against.

Shapes throughout: x [rows, d], weight [width, d], bias [width], atoms [width, d]; a support's
offsets [rows + 1] and indices [entries]; values [entries].
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from sparsetime.kernels.rules import Above, AbsTopK, BatchTopK, Rule, TopK
from sparsetime.kernels.support import ByLatent, Support

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
    pre = (x.to(dtype) @ weight.to(dtype).T).float() + bias
    return select_dense(pre, rule)


def select_dense(pre: Float[Tensor, "rows width"], rule: Rule) -> Support:
    """The places that `rule` keeps of pre-activations that exist already."""
    rows, width = pre.shape
    match rule:
        case TopK(k):
            keep = _largest(pre, k) & (pre > 0)
        case AbsTopK(k):
            keep = _largest(pre.abs(), k) & (pre != 0)
        case BatchTopK(k):
            total = min(k * rows, pre.numel())
            keep = _largest(pre.reshape(1, -1), total).reshape(rows, width) & (pre > 0)
        case Above(threshold):
            keep = pre > threshold
    row, indices = keep.nonzero(as_tuple=True)
    counts = torch.bincount(row, minlength=rows)
    return Support(torch.cat([counts.new_zeros(1), counts.cumsum(0)]), indices, width)


def _largest(score: Float[Tensor, "rows width"], k: int) -> Tensor:
    """Boolean [rows, width]: the k largest of each row; of equal scores the first ones."""
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
