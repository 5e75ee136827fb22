"""Measures of attention patterns against dense attention: mass, recall, error, overlap, reach."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.mass import attention_mass
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.errors import MismatchError

# Scores computed at once when single queries are compared.
_SCORES_AT_ONCE = 1 << 24


@torch.no_grad()
def mass_kept(inputs: AttentionInputs, pattern: AttentionPattern) -> Float[Tensor, "batch heads"]:
    """Mean share of dense attention's mass that lies on the read keys.

    mean_i sum_{j read by i} softmax(scale q_i · K')_j = mean_i exp(lse_pattern - lse_dense)
    """
    full = AttentionPattern.full(inputs.readable)
    _, total = kernels.attend(inputs.q, inputs.k, inputs.v, full, inputs.scale)
    _, read = kernels.attend(inputs.q, inputs.k, inputs.v, pattern, inputs.scale)
    some = ~total.isneginf()
    share = torch.where(some, (read - torch.where(some, total, 0.0)).exp(), 0.0)
    return share.sum(2) / some.sum(2).clamp(min=1)


@torch.no_grad()
def output_error(
    inputs: AttentionInputs, out: Float[Tensor, "batch heads queries d"]
) -> Float[Tensor, "batch heads"]:
    """Relative error of an output, ||out - dense|| / ||dense||, over queries and dimensions."""
    full = AttentionPattern.full(inputs.readable)
    dense, _ = kernels.attend(inputs.q, inputs.k, inputs.v, full, inputs.scale)
    dense = dense.float()
    error: Tensor = (out.float() - dense).norm(dim=(2, 3)) / dense.norm(dim=(2, 3))
    return error


@torch.no_grad()
def top_key_recall(
    inputs: AttentionInputs, pattern: AttentionPattern, k: int
) -> Float[Tensor, "batch heads"]:
    """Mean share of a query's k keys of largest attention weight that the pattern reads.

    Queries with at most k readable keys are left out, since every choice of k holds them; NaN where
    no other is left.

    Errors: MismatchError for k below 1.
    """
    if k < 1:
        raise MismatchError(f"got k={k}, expected at least one key")
    mask = pattern.expand(inputs.q.shape[0], inputs.heads).mask()
    allowed = inputs.readable.allowed().sum(-1).expand(inputs.q.shape[0], inputs.heads, -1)
    counted = allowed > k
    found = torch.zeros(mask.shape[:3], device=mask.device)
    step = max(1, _SCORES_AT_ONCE // max(1, inputs.heads * inputs.keys))
    for queries in torch.arange(inputs.queries, device=mask.device).split(step):
        best = attention_mass(inputs, queries).topk(min(k, inputs.keys), -1).indices
        found[:, :, queries] = mask[:, :, queries].gather(3, best).float().mean(3)
    return (found * counted).sum(2) / counted.sum(2)


def overlap(one: AttentionPattern, other: AttentionPattern) -> Float[Tensor, "batch heads"]:
    """Jaccard index of the pairs that two patterns read: |one and other| / |one or other|.

    Errors: MismatchError for patterns of other lengths, heads or batches.
    """
    first, second = one.mask(), other.mask()
    if first.shape != second.shape:
        raise MismatchError(
            f"got patterns of {tuple(first.shape)} and {tuple(second.shape)}, expected equal "
            "batch, heads, queries and keys"
        )
    return (first & second).sum((2, 3)) / (first | second).sum((2, 3)).clamp(min=1)


def reach(pattern: AttentionPattern, layers: int) -> Bool[Tensor, "batch heads queries keys"]:
    """Keys whose input can change a query's output after some layers of one pattern.

        reach_1 = pattern,   reach_n = pattern ∘ reach_{n-1}   (boolean product)

    Errors: MismatchError for patterns that are not square.
    """
    if pattern.queries != pattern.keys or layers < 1:
        raise MismatchError(
            f"got {pattern.queries} queries, {pattern.keys} keys and {layers} layers, expected "
            "self-attention over a whole sequence, and at least one layer"
        )
    once = pattern.mask().float()
    reached = once
    for _ in range(layers - 1):
        reached = ((once @ reached) > 0).float()
    return reached.bool()
