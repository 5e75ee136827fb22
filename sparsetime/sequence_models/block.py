"""SequenceBlock of a sequence model: a mixer over time, then a channel at every step."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.sequence_models.channels.channel import Channel
from sparsetime.sequence_models.mixers.mixer import Mixer
from sparsetime.state import RecurrentState


@final
class SequenceBlock(nn.Module):
    """A mixer and a channel, each on normalised vectors and added to them.

        x = x + mixer(norm(x))
        x = x + channel(norm(x))

    channel: None for a block that mixes alone.

    Source: Xiong et al. 2020, arXiv:2002.04745 (normalisation before the layer).
    """

    def __init__(self, d: int, mixer: Mixer, channel: Channel | None) -> None:
        super().__init__()
        self.mixer_norm = nn.LayerNorm(d)
        self.mixer = mixer
        self.channel_norm = None if channel is None else nn.LayerNorm(d)
        self.channel = channel

    def forward(
        self, x: Float[Tensor, "batch time d"], state: RecurrentState | None = None
    ) -> Float[Tensor, "batch time d"]:
        """The vectors after the block."""
        x = x + self.mixer(self.mixer_norm(x), state)
        if self.channel is not None and self.channel_norm is not None:
            x = x + self.channel(self.channel_norm(x))
        return x
