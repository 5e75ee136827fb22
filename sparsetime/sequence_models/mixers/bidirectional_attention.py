"""Softmax attention to all steps, earlier and later."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from sparsetime.components import component
from sparsetime.sequence_models.mixers.mixer import check_divides, join_heads, split_heads
from sparsetime.sequence_models.mixers.whole_sequence import WholeSequenceMixer
from sparsetime.sequence_models.sequence_component import Count


@final
@component("bidirectional_attention", example={"d": 8, "heads": 2})
class BidirectionalAttention(WholeSequenceMixer):
    """Softmax attention of every step to all steps.

        y_t = sum_i softmax_i(q_t k_i / sqrt(d_head)) v_i

    It does not see the order of steps: give it a view with positions.

    Source: Devlin et al. 2019, BERT, arXiv:1810.04805.
    """

    def __init__(self, d: Count, heads: Count = 4) -> None:
        super().__init__(d=d, heads=heads)
        check_divides(heads, d)
        self.heads = heads
        self.inputs = nn.Linear(d, 3 * d, bias=False)
        self.out = nn.Linear(d, d, bias=False)

    def mix_whole(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        """The outputs of all steps."""
        q, k, v = (split_heads(one, self.heads) for one in self.inputs(x).chunk(3, -1))
        y: Tensor = self.out(join_heads(scaled_dot_product_attention(q, k, v)))
        return y

    def read_weights(
        self, x: Float[Tensor, "batch time d"]
    ) -> Float[Tensor, "batch heads time time"]:
        """The weight of every value: the softmax of the scores."""
        q, k, _ = (split_heads(one, self.heads) for one in self.inputs(x).chunk(3, -1))
        weights: Tensor = ((q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5).softmax(-1)
        return weights
