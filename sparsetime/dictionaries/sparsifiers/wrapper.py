"""Sparsifiers around another one: they train as it does, and remember in use."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.component_settings import parameters_of
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.kernels import Rule, Support


class SparsifierWrapper(Sparsifier):
    """Base class of sparsifiers that wrap another one and depend on the previous step in inference.

    inner: config of the wrapped sparsifier; `width` is added where it takes one.
    """

    is_stateful = True

    def __init__(self, width: int, inner: dict[str, Any], **settings: Any) -> None:
        kind = str(inner.get("kind"))
        if kind in Sparsifier.kinds and "width" in parameters_of(Sparsifier.kinds[kind]):
            inner = {**inner, "width": width}
        super().__init__(width=width, inner=inner, **settings)
        self.width = width
        self.inner = Sparsifier.from_config(inner)
        self.needs = self.inner.needs
        self.needs_sparsity_penalty = self.inner.needs_sparsity_penalty
        self.scale_free = self.inner.scale_free
        own = self.inner.latent_tensors
        self.latent_tensors = None if own is None else frozenset(f"inner.{name}" for name in own)
        self.undivided = self.inner.undivided
        self.divides_rows = self.inner.divides_rows
        self.first_share = self.inner.first_share
        self.first_l0 = self.inner.first_l0

    @property
    def innermost(self) -> Sparsifier:
        return self.inner.innermost

    def bind(self, decoder: Decoder, encoder: Encoder) -> None:
        super().bind(decoder, encoder)
        self.inner.bind(decoder, encoder)

    def incompatibility(self, composition: Composition) -> str | None:
        return self.inner.incompatibility(composition)

    def reset_parameters(self, generator: torch.Generator) -> None:
        self.inner.reset_parameters(generator)

    def init_from_data(self, x: Float[Tensor, "rows d"]) -> None:
        self.inner.init_from_data(x)

    def observe(self, step: ForwardPass) -> None:
        self.inner.observe(step)

    def rescale(self, factor: float) -> None:
        self.inner.rescale(factor)

    def set_threshold(self, threshold: float) -> None:
        self.inner.set_threshold(threshold)

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return self.inner.training_rule(inputs)

    def gate(
        self, pre: Float[Tensor, " entries"], support: Support, inputs: EncoderInput
    ) -> Float[Tensor, " entries"]:
        return self.inner.gate(pre, support, inputs)

    def inference_rule(self, inputs: EncoderInput) -> Rule:
        return self.inner.inference_rule(inputs)

    def inference_gate(
        self, pre: Float[Tensor, " entries"], support: Support, inputs: EncoderInput
    ) -> Float[Tensor, " entries"]:
        return self.inner.inference_gate(pre, support, inputs)
