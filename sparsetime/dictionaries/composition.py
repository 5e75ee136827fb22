"""Protocol of a composed dictionary for its components.

Components depend on this protocol and not on `Dictionary`, which depends on them.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.normalisation import Normalisation
from sparsetime.kernels import Rule, Support
from sparsetime.segments import Segments


class ComposedEncoder(Protocol):
    """Members of the encoder that components use: pre-activations of chosen latents."""

    d_in: int
    width: int

    @property
    def kind(self) -> str: ...

    def read(self, inputs: EncoderInput) -> Float[Tensor, "rows m"]: ...

    def encode_train(
        self, inputs: EncoderInput, rule: Rule, dtype: torch.dtype
    ) -> tuple[Support, Float[Tensor, " entries"]]: ...

    def topk_among(
        self, x: Float[Tensor, "rows m"], latents: Int[Tensor, " some"], k: int
    ) -> Support: ...

    def preacts_of(
        self, x: Float[Tensor, "rows m"], latents: Int[Tensor, " some"]
    ) -> Float[Tensor, "rows some"]: ...

    def preacts_at(
        self, x: Float[Tensor, "rows m"], support: Support
    ) -> Float[Tensor, " entries"]: ...


class ComposedSparsifier(Protocol):
    """Members of the sparsifier that components use: kinds, and the innermost of nested ones."""

    @property
    def kind(self) -> str: ...

    @property
    def rule_kind(self) -> str: ...

    @property
    def needs_sparsity_penalty(self) -> bool: ...

    @property
    def innermost(self) -> Any: ...


class ComposedDecoder(Protocol):
    """Members of the decoder that components use: its rows, offset and groups, and decoding."""

    width: int
    d_out: int
    groups: tuple[int, ...]
    bias: Tensor

    def vectors(self) -> Float[Tensor, "width d"]: ...

    def written(self) -> Float[Tensor, "width m"]: ...

    def written_residual(
        self,
        residual: Float[Tensor, "rows d"],
        target: Float[Tensor, "rows d"],
        values: Float[Tensor, " entries"],
        support: Support,
        segments: Segments | None,
    ) -> tuple[Float[Tensor, "rows m"], Float[Tensor, "rows m"] | None]: ...

    def decode(
        self, values: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, "rows d"]: ...

    def decode_nested(
        self, values: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, "groups rows d"]: ...

    def squared_error(
        self,
        values: Float[Tensor, " entries"],
        support: Support,
        target: Float[Tensor, "rows d"],
        shares: tuple[float, ...] | None = None,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "rows d"]]: ...


class ComposedSkip(Protocol):
    """Members of the skip connection that components use: its prediction of the target."""

    d_in: int
    d_out: int

    def predict(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows d_out"]: ...


class Composition(Protocol):
    """Components that form a dictionary, with its sizes and normalisation.

    in_dims, out_dims: dimensions of the sites that are read and reconstructed; out_dims is None
    where the activations themselves are reconstructed.
    """

    normalisation: Normalisation
    in_dims: tuple[int, ...]
    out_dims: tuple[int, ...] | None

    @property
    def encoder(self) -> ComposedEncoder: ...

    @property
    def sparsifier(self) -> ComposedSparsifier: ...

    @property
    def decoder(self) -> ComposedDecoder: ...

    @property
    def skip(self) -> ComposedSkip | None: ...

    @property
    def d_in(self) -> int: ...

    @property
    def d_out(self) -> int: ...

    @property
    def width(self) -> int: ...

    @property
    def groups(self) -> tuple[int, ...]: ...

    @property
    def output_normalisation(self) -> Normalisation: ...

    def centred(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows d"]: ...
