"""Reads of a mixer: the signed weight with which every step takes up every earlier step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError


def contributions(
    mixer: Callable[[Tensor], Tensor], x: Float[Tensor, "batch time d"]
) -> Float[Tensor, "batch 1 time time"]:
    """Gradient times input: the part of every output that an input accounts for, to first order.

        c[t, i] = y_t . (dy_t / dx_i) x_i / |y_t|^2

    For mixers that are not linear in values. A row sums to 1 where y is linear in x.

    Source: Shrikumar et al. 2016, arXiv:1605.01713.
    """
    rows = []
    with torch.enable_grad():
        inputs = x.detach().requires_grad_()
        y = mixer(inputs)
        norm = y.detach().square().sum(-1).clamp_min(1e-12)
        for t in range(x.shape[1]):
            along = (y[:, t] * y[:, t].detach()).sum()
            (slope,) = torch.autograd.grad(along, inputs, retain_graph=t + 1 < x.shape[1])
            rows.append((slope * inputs.detach()).sum(-1) / norm[:, t, None])
    return torch.stack(rows, 1)[:, None]


def convolution_matrix(
    kernel: Float[Tensor, "*channels time"],
) -> Float[Tensor, "*channels time time"]:
    """The weights of a causal convolution: kernel[t - i] of step i in row t, 0 for later steps."""
    step = torch.arange(kernel.shape[-1], device=kernel.device)
    distance = step[:, None] - step
    weights: Tensor = kernel[..., distance.clamp_min(0)] * (distance >= 0)
    return weights


def by_lag(
    weights: Float[Tensor, "batch heads time time"], lags: int
) -> Float[Tensor, "batch heads time lags_and_rest"]:
    """The same weights by distance: entry i of a row is the step i steps ago.

    The last entry is the sum of all weights at distances of `lags` and more.
    """
    time = weights.shape[2]
    step = torch.arange(time, device=weights.device)
    earlier = step[:, None] - torch.arange(min(lags, time), device=weights.device)
    near = weights.gather(3, earlier.clamp_min(0).expand(*weights.shape[:2], -1, -1))
    near = near.masked_fill(earlier < 0, 0.0)
    if near.shape[3] < lags:
        near = torch.nn.functional.pad(near, (0, lags - near.shape[3]))
    far = step[:, None] - step >= lags
    rest = (weights * far).sum(-1, keepdim=True)
    return torch.cat([near, rest], 3)


def reads_code(
    weights: Float[Tensor, "batch heads time time"], keep: int | None = None
) -> tuple[SparseCode, Float[Tensor, "batch heads time"]]:
    """Reads as a sparse code whose latent i is the step i steps ago, with signed values.

    keep: entries of largest magnitude that a row keeps; None for all. Returns the code, of shape
    (batch, heads, time) and width time, and the mass left over: the sum of magnitudes that the row
    does not keep.

    Errors: ConfigError for keep below 1.
    """
    if keep is not None and keep < 1:
        raise ConfigError(f"got keep={keep}, expected at least 1 entry a row, or None for all")
    time = weights.shape[2]
    lags = by_lag(weights, time)[..., :time]
    total = lags.abs().sum(-1)
    if keep is not None and keep < time:
        order = lags.abs().topk(keep, -1).indices
        kept = torch.zeros_like(lags).scatter(-1, order, lags.gather(-1, order))
        lags = kept
    return SparseCode.from_dense(lags), total - lags.abs().sum(-1)
