"""Linear encoder of rows that are normalised by their own mean and spread."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders.select_linear import SelectLinearEncoder
from sparsetime.dictionaries.row_statistics import RowNorm, checked_row_norm, row_statistics
from sparsetime.kernels import Rule, Support


@final
@component("row_normalised")
class RowNormalisedEncoder(SelectLinearEncoder):
    """Linear encoder of normalised rows, whose pre-activations are in units of the row itself.

        pre = s (W n + c)

    n, s: the normalised row and its spread (`row_statistics`). Times s, a code sums to the row and
    not to its normalised form, so that it can be decoded, steered and attributed without the row;
    rules that ignore scale (ReLU, the k largest) choose the same latents. With the skip connection
    "row_statistics" the reconstruction is that of the normalising dictionary.

    norm: "layer_norm" or "constant_norm_rescale". weight W: [width, d_in]; row_bias c: [width].
    bias: zeros, since c is times s.

    Source: Gao et al. 2024, Scaling and evaluating sparse autoencoders, arXiv:2406.04093;
    `normalize_activations` of SAELens.

    Errors: ConfigError for another norm.
    """

    latent_tensors = frozenset({"weight", "row_bias", "bias"})
    subtracts_offset = False

    def __init__(self, d_in: int, width: int, norm: str = "layer_norm") -> None:
        super().__init__(d_in=d_in, width=width, norm=norm)
        self.d_in, self.width = d_in, width
        self.norm: RowNorm = checked_row_norm(norm)
        self.weight = nn.Parameter(torch.zeros(width, d_in))
        self.row_bias = nn.Parameter(torch.zeros(width))
        self.bias = nn.Parameter(torch.zeros(width), requires_grad=False)

    def directions(self) -> Float[Tensor, "width m"]:
        return torch.cat([self.weight, self.row_bias[:, None]], dim=1)

    def read(self, inputs: EncoderInput) -> Float[Tensor, "rows m"]:
        """The normalised row times its spread, and the spread, the factor of the bias."""
        _, spread, normalised = row_statistics(inputs.x, self.norm)
        return torch.cat([spread * normalised, spread], dim=1)

    @torch.no_grad()
    def encode_eval(
        self, inputs: EncoderInput, rule: Rule
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        return self.encoded(self.read(inputs), rule)

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        self.weight.copy_(directions)
        self.row_bias.zero_()
