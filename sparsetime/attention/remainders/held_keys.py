"""Remainder by held keys: keys that were not read count as they last changed by a threshold."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.remainders.remainder import Remainder
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("held_keys")
class HeldKeys(Remainder):
    """Keys outside of the pattern are replaced by held ones, which change where they must.

        held_t = k_t where |k_t - held_{t-1}| > threshold · rms(k_t), else held_{t-1}
        out = softmax(scale q_i · held) v

    Dimension by dimension; the root mean square is over the dimensions of the key. A product with
    a change of zero need not be computed. Here all are computed, so that the error is measured and
    not the time; `held` says how many could be left out.

    Source: Xu et al. 2025, DeltaLLM: a training-free framework exploiting temporal sparsity for
    efficient edge LLM inference, section 3.
    """

    def __init__(self, threshold: float = 0.55) -> None:
        if threshold < 0:
            raise ConfigError(f"got threshold={threshold}, expected 0 or more")
        super().__init__(threshold=threshold)
        self.threshold = threshold

    def rest(
        self, inputs: AttentionInputs, grid: UnitGrid, pattern: AttentionPattern
    ) -> tuple[Tensor, Tensor] | None:
        pattern = pattern.expand(inputs.q.shape[0], inputs.heads)
        held, _ = self.held(inputs.k)
        free = inputs.readable.allowed() & ~pattern.mask()
        scores = inputs.products(inputs.q.float(), held).masked_fill(~free, -torch.inf)
        weights = scores.softmax(-1).nan_to_num(0.0)
        values = inputs.v.float().repeat_interleave(inputs.group, 1)
        return weights @ values, scores.logsumexp(-1)

    def held(
        self, keys: Float[Tensor, "batch key_heads keys d"]
    ) -> tuple[Float[Tensor, "batch key_heads keys d"], float]:
        """Held keys, and the share of changes from one key to the next that are zero."""
        keys = keys.float()
        limit = self.threshold * keys.square().mean(3, keepdim=True).sqrt()
        held = [keys[:, :, 0]]
        changes = 0
        for key, least in zip(keys[:, :, 1:].unbind(2), limit[:, :, 1:].unbind(2), strict=True):
            changed = (key - held[-1]).abs() > least
            changes += int(changed.sum())
            held.append(torch.where(changed, key, held[-1]))
        steps = max(1, keys[:, :, 1:].numel())
        return torch.stack(held, 2), 1 - changes / steps
