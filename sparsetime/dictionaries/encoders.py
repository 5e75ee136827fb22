"""Encoders: from an activation to one pre-activation a latent."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.dictionaries.part import Part, part
from sparsetime.kernels import Rule, Support
from sparsetime.kernels.precision import selection_dtype


class Encoder(Part):
    """What every encoder offers: which latents a rule keeps, and exact values at these places.

    The two are apart so that the large product needs no gradient and no float32: only the kept
    places are computed again, exactly, and differentiated.
    """

    role = "encoder"
    d_in: int
    width: int

    @abstractmethod
    def select(self, x: Float[Tensor, "rows d"], rule: Rule, dtype: torch.dtype) -> Support:
        """The places that the rule keeps; no gradient."""

    @abstractmethod
    def candidates(self, x: Float[Tensor, "rows d"], rule: Rule) -> Support:
        """The places that the rule keeps of exact values, so that a row's code depends on it alone.

        Not for BatchTopK, whose places depend on the batch.
        """

    @abstractmethod
    def select_among(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"], k: int
    ) -> Support:
        """The k largest of every row among some latents only, whatever their sign."""

    @abstractmethod
    def all_of(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"]
    ) -> Float[Tensor, "rows some"]:
        """Exact float32 pre-activations of a few latents on every row, with gradients."""

    @abstractmethod
    def at(self, x: Float[Tensor, "rows d"], support: Support) -> Float[Tensor, " entries"]:
        """Exact float32 pre-activations at the places, with gradients."""

    @abstractmethod
    def start_from(self, atoms: Float[Tensor, "width d"]) -> None:
        """Begin training as the transpose of the atoms."""


@part("linear")
class LinearEncoder(Encoder):
    """One dot product a latent: `weight @ x + bias`.

    weight: [width, d_in]; bias: [width].
    """

    def __init__(self, d_in: int, width: int) -> None:
        super().__init__(d_in=d_in, width=width)
        self.d_in, self.width = d_in, width
        self.weight = nn.Parameter(torch.zeros(width, d_in))
        self.bias = nn.Parameter(torch.zeros(width))

    def select(self, x: Float[Tensor, "rows d"], rule: Rule, dtype: torch.dtype) -> Support:
        return kernels.select(x, self.weight, self.bias, rule, dtype)

    @torch.no_grad()
    def candidates(self, x: Float[Tensor, "rows d"], rule: Rule) -> Support:
        if isinstance(rule, kernels.BatchTopK):
            return self.select(x, rule, torch.float32)
        dtype = selection_dtype(x.device)
        return kernels.select_exactly(x, self.weight, self.bias, rule, dtype)

    @torch.no_grad()
    def select_among(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"], k: int
    ) -> Support:
        weight, bias = self.weight[latents], self.bias[latents]
        # No pre-activation is below minus this bound, so adding it makes the largest positive.
        bound = x.norm(dim=1).max() * weight.norm(dim=1).max() + bias.abs().max() + 1
        among = kernels.select(x, weight, bias + bound, kernels.TopK(k))
        return Support(among.offsets, latents[among.indices], self.width)

    def all_of(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"]
    ) -> Float[Tensor, "rows some"]:
        return x @ kernels.take_rows(self.weight, latents).T + self.bias[latents]

    def at(self, x: Float[Tensor, "rows d"], support: Support) -> Float[Tensor, " entries"]:
        return kernels.gather_dot(x, self.weight, support) + self.bias[support.indices]

    @torch.no_grad()
    def start_from(self, atoms: Float[Tensor, "width d"]) -> None:
        self.weight.copy_(atoms)
        self.bias.zero_()
