"""Convolution over the steps on both sides, all channels together."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.errors import ConfigError
from sparsetime.sequence_models.mixers.whole_sequence import WholeSequenceMixer
from sparsetime.sequence_models.sequence_component import Count


@final
@component("centred_conv", example={"d": 8, "width": 3, "dilation": 2})
class CentredConv(WholeSequenceMixer):
    """Dilated convolution that reads equally many steps before and after.

        y_t = b + sum_{|i| <= (width - 1) / 2} W_i gelu(x_{t + i * dilation})

    Source: Yue et al. 2022, TS2Vec, arXiv:2106.10466 (encoder), after Bai et al. 2018.
    """

    def __init__(self, d: Count, width: Count = 3, dilation: Count = 1) -> None:
        super().__init__(d=d, width=width, dilation=dilation)
        if width % 2 == 0:
            raise ConfigError(f"got width={width}, expected an odd number of steps")
        self.kernel = nn.Conv1d(d, d, width, padding="same", dilation=dilation)

    def mix_whole(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        """The outputs of all steps."""
        y: Tensor = self.kernel(nn.functional.gelu(x).transpose(1, 2))
        return y.transpose(1, 2)
