"""Attention with learnt vectors of relative distance, by skewing (Music Transformer)."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import pad

from sparsetime.components import component
from sparsetime.sequence_models.mixers.key_value_memory import KeyValueMixer
from sparsetime.sequence_models.sequence_component import Count


@final
@component("relative_attention", example={"d": 8, "heads": 2, "longest": 16})
class RelativeAttention(KeyValueMixer):
    """Softmax attention whose scores depend on the distance of query and key.

        weight[t, i] = softmax_i((q_t k_i + q_t e_{t - i}) / sqrt(d_head))

    e: a learnt vector for every distance up to `longest`; farther steps share the last one. The
    products with all distances are one matrix whose rows are shifted into place, so that memory is
    linear in length for the vectors and no [time, time, d] tensor is made.

    Source: Huang et al. 2018, Music Transformer, arXiv:1809.04281, section 3.4.1.
    """

    def __init__(self, d: Count, heads: Count = 4, longest: Count = 256) -> None:
        super().__init__(d=d, heads=heads, longest=longest)
        self.longest = longest
        self.distances = nn.Embedding(longest, d)

    def weights(
        self, q: Tensor, k: Tensor, allowed: Bool[Tensor, ...]
    ) -> Float[Tensor, "batch heads queries keys"]:
        """The softmax of the scores."""
        content = q @ k.transpose(-1, -2)
        score = (content + self.relative_scores(q, k.shape[2])) * q.shape[-1] ** -0.5
        weights: Tensor = score.masked_fill(~allowed, -torch.inf).softmax(-1)
        return weights

    def relative_scores(
        self, q: Float[Tensor, "batch heads queries d_head"], keys: int
    ) -> Float[Tensor, "batch heads queries keys"]:
        """q_t e_{t - i} for the last queries among `keys` steps; of later keys, anything."""
        # Column j is the distance keys - 1 - j, so that the last row needs no shift.
        number = torch.arange(keys - 1, -1, -1, device=q.device).clamp_max(self.longest - 1)
        table = self.distances(number).unflatten(1, (self.heads, -1)).transpose(0, 1)
        products = q @ table.transpose(-1, -2)
        return skewed(products)


def skewed(
    products: Float[Tensor, "*shape queries keys"],
) -> Float[Tensor, "*shape queries keys"]:
    """Entry [r, i] is products[r, i + queries - 1 - r]; entries beyond a row have no meaning.

    A column of padding and a reshape shift every row by one more than the next, without an index.
    """
    rows, columns = products.shape[-2:]
    flat = pad(products, (1, 0)).flatten(-2)[..., rows:]
    shifted: Tensor = flat.unflatten(-1, (rows, columns))
    return shifted
