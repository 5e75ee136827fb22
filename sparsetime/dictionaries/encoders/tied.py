"""Tied encoder: the decoder rows are also the encoder weights."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.encoders.select_linear import SelectLinearEncoder


@final
@component("tied")
class TiedEncoder(SelectLinearEncoder):
    """Tied encoder, with the decoder's rows D as weights.

        pre = D x + b

    D: [width, d_in], trained and saved by the decoder; bias b: [width].

    Source: Cunningham et al. 2023, Sparse Autoencoders Find Highly Interpretable Features in
    Language Models, arXiv:2309.08600.
    """

    latent_tensors = frozenset({"bias"})

    def __init__(self, d_in: int, width: int) -> None:
        super().__init__(d_in=d_in, width=width)
        self.d_in, self.width = d_in, width
        self.bias = nn.Parameter(torch.zeros(width))

    def directions(self) -> Float[Tensor, "width d"]:
        return self.decoder.vectors()

    def incompatibility(self, composition: Composition) -> str | None:
        if composition.out_dims is None:
            return None
        return (
            "a tied encoder reads with the atoms, and these live in the space of another site than "
            "the one that is read; take encoder 'linear'"
        )

    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        """The atoms are the directions already."""
