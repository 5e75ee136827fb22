"""Base class of encoders of which every two latents share a row of weights."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders.dense import largest_among
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support


class SharedPairEncoder(Encoder):
    """Two latents per row of weights: latent i and latent i + width / 2 read one direction.

    Codes depend on earlier rows; a single row counts as the first step of a sequence.

    weight: [width / 2, d_in]; bias: [width / 2]. halves: what the two halves of the latents are,
    for the error.

    Errors: ConfigError for an odd width.
    """

    is_stateful = True
    needs = frozenset({"segments"})
    scalable = True

    def __init__(self, d_in: int, width: int, halves: str, **settings: Any) -> None:
        if width % 2:
            raise ConfigError(f"got width={width}, expected an even number: {halves}")
        super().__init__(d_in=d_in, width=width, **settings)
        self.d_in, self.width, self.features = d_in, width, width // 2
        self.weight = nn.Parameter(torch.zeros(self.features, d_in))
        self.bias = nn.Parameter(torch.zeros(self.features))

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        self.weight.copy_(directions[: self.features])
        self.bias.zero_()

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        self.weight.mul_(factor)

    def selected(
        self, x: Float[Tensor, "rows d"], rule: Rule, dtype: torch.dtype
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        return self.encode_train(EncoderInput(x), rule, dtype)

    def encoded(
        self, x: Float[Tensor, "rows d"], rule: Rule
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        return self.encode_eval(EncoderInput(x), rule)

    @torch.no_grad()
    def topk_among(
        self, x: Float[Tensor, "rows m"], latents: Int[Tensor, " some"], k: int
    ) -> Support:
        return largest_among(self.preacts_of(x, latents), latents, k, self.width)
