"""Softmax attention to all earlier steps, or to those of a window."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention

from sparsetime.components import component
from sparsetime.sequence_models.mixers.mixer import (
    Mixer,
    MixerState,
    check_divides,
    join_heads,
    split_heads,
)
from sparsetime.sequence_models.sequence_component import Count


@final
@component("attention", example={"d": 8, "heads": 2})
class Attention(Mixer):
    """Causal softmax attention with several heads.

        y_t = sum_{i <= t} softmax_i(q_t k_i / sqrt(d_head)) v_i

    Without a window the state holds every earlier key and value, and grows. window: a step reads
    itself and window - 1 steps before it, in time linear in length, and the state is of that size.

    Source: Vaswani et al. 2017, arXiv:1706.03762; windows: Child et al. 2019, arXiv:1904.10509.
    """

    def __init__(self, d: Count, heads: Count = 4, window: Count | None = None) -> None:
        super().__init__(d=d, heads=heads, window=window)
        check_divides(heads, d)
        self.heads, self.window = heads, window
        if window is None or window == 1:
            del self.sites["state"]  # it grows, so a row has no fixed size, or holds nothing
        self.inputs = nn.Linear(d, 3 * d, bias=False)
        self.out = nn.Linear(d, d, bias=False)

    def mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        """The outputs of all steps, and the keys and values that later steps may read."""
        q, k, v = (split_heads(one, self.heads) for one in self.inputs(x).chunk(3, -1))
        is_step = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        kept = past if past is not None else self._nothing(k, v)
        k = torch.cat([kept["keys"], k], 2)
        v = torch.cat([kept["values"], v], 2)
        is_step = torch.cat([kept["is_step"], is_step], 1)
        attend = _all_earlier if self.window is None else self._within_window
        y = self.out(join_heads(attend(q, k, v, is_step)))
        first = 0 if self.window is None else k.shape[2] - (self.window - 1)
        after = {"keys": k[:, :, first:], "values": v[:, :, first:], "is_step": is_step[:, first:]}
        return y, MixerState(after)

    def read_weights(
        self, x: Float[Tensor, "batch time d"]
    ) -> Float[Tensor, "batch heads time time"]:
        """The weight of every value: the softmax of the scores."""
        q, k, _ = (split_heads(one, self.heads) for one in self.inputs(x).chunk(3, -1))
        step = torch.arange(x.shape[1], device=x.device)
        distance = step[:, None] - step
        read = (distance >= 0) & (distance < (self.window or x.shape[1]))
        score = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
        weights: Tensor = score.masked_fill(~read, -torch.inf).softmax(-1)
        return weights

    def state_size(self, time: int) -> int:
        """A key and a value of d numbers and a mark for every step that is kept."""
        steps = time if self.window is None else self.window - 1
        return steps * (2 * int(self.settings["d"]) + 1)

    def _nothing(self, k: Tensor, v: Tensor) -> MixerState:
        steps = 0 if self.window is None else self.window - 1
        return MixerState(
            {
                "keys": k.new_zeros(*k.shape[:2], steps, k.shape[3]),
                "values": v.new_zeros(*v.shape[:2], steps, v.shape[3]),
                "is_step": torch.zeros(k.shape[0], steps, dtype=torch.bool, device=k.device),
            }
        )

    def _within_window(
        self, q: Tensor, k: Tensor, v: Tensor, is_step: Bool[Tensor, "batch keys"]
    ) -> Float[Tensor, "batch heads queries d_head"]:
        """Blocks of queries, each with the keys of its block and the window before it."""
        assert self.window is not None
        time, block = q.shape[2], min(q.shape[2], max(self.window, 32))
        blocks = -(-time // block)
        short = blocks * block - time
        span = block + self.window - 1
        queries = pad(q, (0, 0, 0, short)).unflatten(2, (blocks, block))
        keys, values = (
            pad(one, (0, 0, 0, short)).unfold(2, span, block).transpose(-1, -2) for one in (k, v)
        )
        marks = pad(is_step, (0, short)).unfold(1, span, block)
        row = torch.arange(block, device=q.device)[:, None]
        column = torch.arange(span, device=q.device)[None]
        in_window = (column >= row) & (column < row + self.window)
        # A query that pads the last block reads itself, so that its softmax is defined.
        allowed = in_window & (marks[:, None, :, None] | (column == row + self.window - 1))
        y = scaled_dot_product_attention(queries, keys, values, attn_mask=allowed)
        return y.flatten(2, 3)[:, :, :time]


def _all_earlier(
    q: Tensor, k: Tensor, v: Tensor, is_step: Bool[Tensor, "batch keys"]
) -> Float[Tensor, "batch heads queries d_head"]:
    if q.shape[2] == k.shape[2]:
        return scaled_dot_product_attention(q, k, v, is_causal=True)
    earlier = k.shape[2] - q.shape[2]
    row = torch.arange(q.shape[2], device=q.device)[:, None]
    column = torch.arange(k.shape[2], device=q.device)[None]
    allowed = (column <= row + earlier) & is_step[:, None, None]
    return scaled_dot_product_attention(q, k, v, attn_mask=allowed)
