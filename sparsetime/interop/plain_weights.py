"""Weights of a dictionary in the units of raw activations, as all libraries can express them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.row_statistics import RowNorm


@final
@dataclass(frozen=True)
class ReLUCode:
    """z_i = relu(pre_i). l1: weight of the penalty in training; None where it is unknown."""

    l1: float | None = None


@final
@dataclass(frozen=True)
class TopKCode:
    """z_i = relu(pre_i) where pre_i is among the k largest of its row."""

    k: int


@final
@dataclass(frozen=True)
class BatchTopKCode:
    """z_i = relu(pre_i) where pre_i > threshold, one for all latents; k of training."""

    k: int
    threshold: float


@final
@dataclass(frozen=True)
class ThresholdCode:
    """z_i = relu(pre_i) where pre_i > threshold_i. threshold: [width]."""

    threshold: Float[Tensor, " width"]


@final
@dataclass(frozen=True)
class GatedCode:
    """z_i = relu(exp(s_i) (pre_i - b_i) + m_i) where pre_i > 0; b: the encoder's bias.

    log_scale s, magnitude_bias m: [width]. l1: as of `ReLUCode`.
    """

    log_scale: Float[Tensor, " width"]
    magnitude_bias: Float[Tensor, " width"]
    l1: float | None = None


@final
@dataclass(frozen=True)
class PursuitCode:
    """Matching pursuit with the decoder's rows, `turns` at most; see `StoppingPursuitEncoder`."""

    turns: int
    residual_threshold: float = 0.0
    stops_on_repeat: bool = False


Activation: TypeAlias = (
    ReLUCode | TopKCode | BatchTopKCode | ThresholdCode | GatedCode | PursuitCode
)


@final
@dataclass(frozen=True)
class PlainWeights:
    """A dictionary of one linear encoder and one linear decoder, in units of raw activations.

        pre = W_e (x - offset) + b_e,    offset: b_d where `subtracts_offset`, else 0
        y = Σ_i z_i w_i + b_d + W_s x

    A pursuit has no encoder of its own: W_e is then the decoder, and b_e is 0.

    encoder W_e: [width, d_in]; encoder_bias b_e: [width]; decoder w: [width, d_out]; decoder_bias
    b_d: [d_out]; skip W_s: [d_out, d_in]. is_transcoder: whether y is another site than x. groups:
    ends of nested prefixes of latents. row_norm: how each row is normalised before and restored
    after, with x the normalised row above; None for raw rows. provenance: model_name, site or hook,
    format and conventions.
    """

    encoder: Float[Tensor, "width d_in"]
    encoder_bias: Float[Tensor, " width"]
    decoder: Float[Tensor, "width d_out"]
    decoder_bias: Float[Tensor, " d_out"]
    activation: Activation
    subtracts_offset: bool
    is_transcoder: bool = False
    skip: Float[Tensor, "d_out d_in"] | None = None
    groups: tuple[int, ...] | None = None
    row_norm: RowNorm | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    def with_offset(self, subtracts: bool) -> PlainWeights:
        """The same function with the other convention; the bias takes W_e b_d, in float64."""
        if subtracts is self.subtracts_offset or self.is_transcoder:
            return self
        sign = 1 if subtracts else -1
        moved = sign * (self.encoder.double() @ self.decoder_bias.double())
        activation = self.activation
        if isinstance(activation, GatedCode):
            scaled = activation.log_scale.double().exp() * moved
            magnitude_bias = (activation.magnitude_bias + scaled).float()
            activation = replace(activation, magnitude_bias=magnitude_bias)
        bias = (self.encoder_bias + moved).float()
        return replace(self, encoder_bias=bias, activation=activation, subtracts_offset=subtracts)

    @property
    def width(self) -> int:
        """Number of latents."""
        return self.encoder.shape[0]

    @property
    def d_in(self) -> int:
        """Dimension of the activations that are read."""
        return self.encoder.shape[1]

    @property
    def d_out(self) -> int:
        """Dimension of the activations that are reconstructed."""
        return self.decoder.shape[1]
