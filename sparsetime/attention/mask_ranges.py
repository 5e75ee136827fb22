"""Attention masks as ranges of keys: the form of causal, padded, windowed and packed masks."""

from __future__ import annotations

import torch
from torch import Tensor

from sparsetime.key_range import KeyRange


def key_range_of(mask: Tensor, queries: int, keys: int) -> KeyRange | str:
    """The ranges of a mask, or the reason why it is none.

    mask: boolean (True is read) or additive (0 is read, -inf or the dtype's minimum is not),
    broadcast over [batch, heads, queries, keys].
    """
    mask = mask.reshape((1,) * (4 - mask.ndim) + mask.shape)
    if mask.dtype != torch.bool:
        read = mask > torch.finfo(mask.dtype).min / 2
        if bool((mask.masked_fill(~read, 0) != 0).any()):
            return "the mask adds a bias to the scores"
        mask = read
    mask = mask.expand(-1, -1, queries, keys)
    at = torch.arange(keys, device=mask.device)
    # A query that reads nothing has the empty range from 1 to 0.
    any_read = mask.any(-1)
    first = torch.where(any_read, mask.to(torch.uint8).argmax(-1), 1)
    last = torch.where(any_read, keys - 1 - mask.flip(-1).to(torch.uint8).argmax(-1), 0)
    if bool((mask.sum(-1) != (last - first + 1)).any()):
        return "the mask is no range of keys for every query"
    return KeyRange(first, last, at[None, None])
