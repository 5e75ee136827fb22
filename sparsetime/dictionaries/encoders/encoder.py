"""Base class of encoders: pre-activations of every latent, and their selection."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.dictionaries.component import Component
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.kernels import Rule, Support


class Encoder(Component):
    """From an activation to one pre-activation per latent, of which a rule keeps few.

    Pre-activations are functions of the rows that `read` returns: those of the input, or of more
    where an encoder reads earlier steps too. Terms of the objective that need other pre-activations
    than those of the code, such as those of dead latents, compute them from the same rows.

    Entries and values are computed together. An encoder whose equation allows it selects without
    gradient and computes exact values at the selection alone (`SelectLinearEncoder`). One that
    needs all pre-activations computes them first (`DenseEncoder`); an unrolled one alternates.

    decoder: the decoder of the same dictionary, for encoders that read with its rows. The
    dictionary saves and trains it as its own.
    """

    role = "encoder"
    divides_rows = True
    #: Whether `rescale` multiplies the pre-activations.
    scalable: ClassVar[bool] = False
    #: Whether the dictionary's offset is subtracted from what the encoder reads.
    subtracts_offset: ClassVar[bool] = True
    d_in: int
    width: int
    decoder: Decoder

    def bind(self, decoder: Decoder) -> None:
        """Bind the decoder of the same dictionary; called when the dictionary is composed."""
        # Beside torch's register of modules, so that the atoms' weights are not saved twice.
        self.__dict__["decoder"] = decoder

    def read(self, inputs: EncoderInput) -> Float[Tensor, "rows m"]:
        """The rows that pre-activations are computed from in training, with gradients."""
        return inputs.x

    def encode_train(
        self, inputs: EncoderInput, rule: Rule, dtype: torch.dtype
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        """`selected` of what is read."""
        return self.selected(self.read(inputs), rule, dtype)

    def encode_eval(
        self, inputs: EncoderInput, rule: Rule
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        """`encoded` for rows in time: an encoder that looks at the past has its own."""
        return self.encoded(inputs.x, rule)

    @abstractmethod
    def selected(
        self, x: Float[Tensor, "rows d"], rule: Rule, dtype: torch.dtype
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        """In training: the places that the rule keeps, and their pre-activations with gradients.

        `dtype`: what a product that only selects may be multiplied in.
        """

    @abstractmethod
    def encoded(
        self, x: Float[Tensor, "rows d"], rule: Rule
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        """In use: the places that the rule keeps of exact values, and the values; no gradient.

        A row's places and values depend on that row alone.
        """

    @abstractmethod
    def topk_among(
        self, x: Float[Tensor, "rows m"], latents: Int[Tensor, " some"], k: int
    ) -> Support:
        """The k largest of every row among some latents only, whatever their sign; x is `read`."""

    @abstractmethod
    def preacts_of(
        self, x: Float[Tensor, "rows m"], latents: Int[Tensor, " some"]
    ) -> Float[Tensor, "rows some"]:
        """Exact float32 pre-activations of a few latents on every row, with gradients; x is `read`.

        Every parameter of a latent gets gradient from it, also where it is far from firing. It is
        exactly 0 where the row offers the latent nothing to read.
        """

    @abstractmethod
    def preacts_at(self, x: Float[Tensor, "rows m"], support: Support) -> Float[Tensor, " entries"]:
        """The same at the places of a support."""

    def rescale(self, factor: float) -> None:
        """Multiply all pre-activations, before the first step, where they are `scalable`."""
        del factor

    @abstractmethod
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        """Begin training as dot products with these: the atoms, where they live in x's space."""
