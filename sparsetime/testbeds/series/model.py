"""The transformer of the series testbed: PatchTST of `transformers`, a masked-patch model.

Nie, Nguyen, Sinthong, Kalagnanam: "A Time Series is Worth 64 Words" (2023).
"""

from __future__ import annotations

from typing import Any, cast, final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.testbeds.series.settings import PatchTransformerSettings

#: The residual stream after two of three layers; what the third one reads.
SITE = "transformer.encoder.layers.2.norm_sublayer1:input"


@final
class SeriesModel(nn.Module):
    """Maps the patches of a window to predictions of them, one row a patch.

    Masked patches are zeros, the mean of the series.
    """

    def __init__(self, settings: PatchTransformerSettings) -> None:
        from transformers import PatchTSTModel

        super().__init__()
        self.transformer = PatchTSTModel(_configuration(settings))
        self.head = nn.Linear(settings.d, settings.patch)

    def forward(
        self, values: Float[Tensor, "batch patches hours"]
    ) -> Float[Tensor, "batch patches hours"]:
        series = values.flatten(1)[..., None]  # one channel, which it cuts into the same patches
        hidden = self.transformer(past_values=series).last_hidden_state
        return cast(Tensor, self.head(hidden.squeeze(1)))


def fresh_model(settings: PatchTransformerSettings, seed: int) -> SeriesModel:
    """An untrained model in float32; the same one for the same seed."""
    with seeds.torch_globals(seed, "initial weights of a testbed"):
        return SeriesModel(settings)


def _configuration(settings: PatchTransformerSettings) -> Any:
    from transformers import PatchTSTConfig

    return PatchTSTConfig(
        num_input_channels=1,
        context_length=settings.hours,
        patch_length=settings.patch,
        patch_stride=settings.patch,
        d_model=settings.d,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        ffn_dim=settings.hidden,
        norm_type="layernorm",
        positional_encoding_type="sincos",
        do_mask_input=False,
        # Scaling each window by itself would remove the level of the counts.
        scaling=None,
    )
