"""Attention mass of some queries over all keys, as dense attention has it."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.attention.inputs import AttentionInputs


@torch.no_grad()
def attention_mass(
    inputs: AttentionInputs, queries: Int[Tensor, " some"]
) -> Float[Tensor, "batch heads some keys"]:
    """Attention weights of the given queries; zero where a query reads nothing.

    softmax(scale q_i · K')
    """
    scores = inputs.products(inputs.q[:, :, queries].float(), inputs.k.float())
    first, last = (limit[..., queries, None] for limit in inputs.readable.limits)
    at = inputs.readable.positions[:, :, None]
    scores = scores.masked_fill(~((first <= at) & (at <= last)), -torch.inf)
    weights: Tensor = scores.softmax(-1).nan_to_num(0.0)
    return weights
