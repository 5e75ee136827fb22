"""Neuron encoders: the hidden layer of an MLP, plain or gated."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.encoders.select_dense import SelectDenseEncoder
from sparsetime.errors import ConfigError
from sparsetime.kernels import Support
from sparsetime.models.mlp import NONLINEARITIES


@final
@component("neurons")
class NeuronEncoder(SelectDenseEncoder):
    """Hidden layer of an MLP.

        pre = f(U x + u)

    f: a nonlinearity by its name in `models.mlp.NONLINEARITIES`. `st.neurons` fills the weights
    with those of a model. up U: [width, d_in]; up_bias u: [width].

    Source: Geva et al. 2021, Transformer feed-forward layers are key-value memories.

    Errors: ConfigError for an unknown nonlinearity.
    """

    latent_tensors = frozenset({"up", "up_bias"})

    def __init__(self, d_in: int, width: int, nonlinearity: str = "relu") -> None:
        super().__init__(d_in=d_in, width=width, nonlinearity=nonlinearity)
        self.d_in, self.width = d_in, width
        self.function = _function(nonlinearity)
        self.up = nn.Parameter(torch.zeros(width, d_in))
        self.up_bias = nn.Parameter(torch.zeros(width))

    def pre_activations(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows width"]:
        return self.function(x @ self.up.T + self.up_bias)

    def preacts_at(self, x: Float[Tensor, "rows d"], support: Support) -> Float[Tensor, " entries"]:
        return self.function(kernels.pre_activations_at(x, self.up, self.up_bias, support))

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        self.up.copy_(directions)
        self.up_bias.zero_()


@final
@component("gated_neurons")
class GatedNeuronEncoder(SelectDenseEncoder):
    """Hidden layer of a gated MLP.

        pre = f(G x + g) * (U x + u)

    As `NeuronEncoder`, with a gate G: [width, d_in] and gate_bias g: [width]. Initially G = U, so
    that a neuron of ReLU is quadratic.

    Source: Shazeer 2020, GLU variants improve transformer, arXiv:2002.05202.

    Errors: ConfigError for an unknown nonlinearity.
    """

    latent_tensors = frozenset({"up", "up_bias", "gate", "gate_bias"})

    def __init__(self, d_in: int, width: int, nonlinearity: str = "silu") -> None:
        super().__init__(d_in=d_in, width=width, nonlinearity=nonlinearity)
        self.d_in, self.width = d_in, width
        self.function = _function(nonlinearity)
        self.up = nn.Parameter(torch.zeros(width, d_in))
        self.up_bias = nn.Parameter(torch.zeros(width))
        self.gate = nn.Parameter(torch.zeros(width, d_in))
        self.gate_bias = nn.Parameter(torch.zeros(width))

    def pre_activations(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows width"]:
        gate = self.function(x @ self.gate.T + self.gate_bias)
        return gate * (x @ self.up.T + self.up_bias)

    def preacts_at(self, x: Float[Tensor, "rows d"], support: Support) -> Float[Tensor, " entries"]:
        gate = kernels.pre_activations_at(x, self.gate, self.gate_bias, support)
        return self.function(gate) * kernels.pre_activations_at(x, self.up, self.up_bias, support)

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        for weight in (self.up, self.gate):
            weight.copy_(directions)
        for bias in (self.up_bias, self.gate_bias):
            bias.zero_()


def _function(nonlinearity: str) -> Callable[[Tensor], Tensor]:
    if nonlinearity not in NONLINEARITIES:
        raise ConfigError(
            f"got the nonlinearity {nonlinearity!r} of neurons, expected one of "
            f"{', '.join(NONLINEARITIES)}"
        )
    return NONLINEARITIES[nonlinearity]
