"""HiddenDecoder: a small transformer that predicts hidden vectors from the visible ones."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.sequence_models.block import SequenceBlock
from sparsetime.sequence_models.channels.mlp import MLPChannel
from sparsetime.sequence_models.mixers.bidirectional_attention import BidirectionalAttention
from sparsetime.sequence_models.views.positions import small_vectors


@final
class HiddenDecoder(nn.Module):
    """Blocks of bidirectional attention over visible vectors and a learnt vector for hidden ones.

        y = W norm(blocks(where(hidden, m, V h) + p))

    h: vectors of the visible places. m: the learnt vector. p: positions of all places.
    """

    def __init__(self, d: int, out: int, layers: int, heads: int) -> None:
        super().__init__()
        self.into = nn.Linear(d, d)
        self.hidden = small_vectors(1, d)
        self.blocks = nn.ModuleList(
            SequenceBlock(d, BidirectionalAttention(d, heads), MLPChannel(d)) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(d)
        self.out = nn.Linear(d, out)

    def forward(
        self,
        visible: Float[Tensor, "batch visible d"],
        hidden: Bool[Tensor, "batch time"],
        positions: Float[Tensor, "time d"],
    ) -> Float[Tensor, "batch time out"]:
        """The predictions for all places."""
        inputs = self.hidden.expand(*hidden.shape, -1)
        place = (~hidden)[..., None].expand_as(inputs)
        inputs = inputs.masked_scatter(place, self.into(visible)) + positions
        for block in self.blocks:
            inputs = block(inputs)
        y: Tensor = self.out(self.norm(inputs))
        return y
