"""A training batch's forward pass through a dictionary, as objective terms read it.

Derived tensors are computed when a term first reads them, and once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.activations.sampling.batch import Batch
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.composition import (
    ComposedDecoder,
    ComposedEncoder,
    ComposedSkip,
    ComposedSparsifier,
)
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.normalisation import Normalisation
from sparsetime.dictionaries.partition import WHOLE, Partition
from sparsetime.errors import ConfigError, DataError
from sparsetime.kernels import Support

V = TypeVar("V")
K = TypeVar("K")


def required(value: V | None, field: str) -> V:
    """A field of a batch that a component needs. Errors: DataError where the batch lacks it."""
    if value is None:
        raise DataError(f"got a batch without {field}, expected it; give {field}= to the Batch")
    return value


def of_class(component: object, expected: type[K]) -> K:
    """A component of the class that another one needs. Errors: ConfigError for another class."""
    if not isinstance(component, expected):
        raise ConfigError(
            f"got a {type(component).__name__}, expected a {expected.__name__}; compose the "
            "dictionary with one"
        )
    return component


@dataclass(frozen=True)
class ForwardPass:
    """Tensors of one training batch with gradients, and the components that made them.

    x: normalised activations [rows, d_in]. offset: [d_in], which the encoder's input lacks.
    inputs: what encoder and sparsifier read of the rows, with segments.
    target: normalised activations to reconstruct, x or those of another site.
    support, pre, values: selected entries, their exact pre-activations and activation values.
    earlier: codes of the rows one lag earlier, where a component needs them.
    dead: mask of dead latents [width]; None where none are counted.
    batch: the raw batch. progress: fraction of training that is over.
    partition: the latents and rows that this process has; encoder and decoder are of all latents.
    """

    encoder: ComposedEncoder
    sparsifier: ComposedSparsifier
    decoder: ComposedDecoder
    skip: ComposedSkip | None
    normalisation: Normalisation
    output_normalisation: Normalisation
    x: Float[Tensor, "rows d_in"]
    inputs: EncoderInput
    offset: Float[Tensor, " d_in"]
    target: Float[Tensor, "rows d_out"]
    support: Support
    pre: Float[Tensor, " entries"]
    values: Float[Tensor, " entries"]
    batch: Batch
    earlier: SparseCode | None = None
    dead: Bool[Tensor, " width"] | None = None
    progress: float = 0.0
    partition: Partition = WHOLE

    @property
    def encoder_input(self) -> Float[Tensor, "rows d_in"]:
        """Activations less the offset. Not kept: `observe` reads it after the offset has moved."""
        return self.x - self.offset

    @property
    def all_values(self) -> Float[Tensor, " entries"]:
        """Activation values of all encoded rows, the earlier ones too, without gradient."""
        values = self.values.detach()
        return values if self.earlier is None else torch.cat([values, self.earlier.values.detach()])

    def per_row(self, own: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """A sum over all latents and rows, divided by the rows, from this process's sum."""
        return self.partition.over_rows(self.partition.over_latents(own / self.x.shape[0]))

    @cached_property
    def code(self) -> SparseCode:
        """The code of the batch; its values carry gradients."""
        return SparseCode(
            self.support.offsets,
            self.support.indices,
            self.values,
            self.support.width,
            (self.x.shape[0],),
        )

    @cached_property
    def skip_output(self) -> Float[Tensor, "rows d"] | None:
        """The skip connection's prediction of the target; None without one."""
        return None if self.skip is None else self.skip.predict(self.encoder_input)

    @property
    def code_target(self) -> Float[Tensor, "rows d"]:
        """The target less the skip connection's prediction, which the code should reconstruct."""
        return self.target if self.skip_output is None else self.target - self.skip_output

    @cached_property
    def nested(self) -> Float[Tensor, "groups rows d"]:
        """The reconstruction by each nested prefix of latents; the last is by all."""
        nested = self.decoder.decode_nested(self.values, self.support)
        return nested if self.skip_output is None else nested + self.skip_output

    @cached_property
    def reconstruction(self) -> Float[Tensor, "rows d"]:
        """The reconstruction by all latents."""
        decoded = self.decoder.decode(self.values, self.support)
        return decoded if self.skip_output is None else decoded + self.skip_output

    def squared_error(self) -> Float[Tensor, ""]:
        """Mean squared error of the reconstruction; `residual` is computed on the way."""
        target = self.code_target
        error, self.__dict__["residual"] = self.decoder.squared_error(
            self.values, self.support, target
        )
        return error

    @cached_property
    def residual(self) -> Float[Tensor, "rows d"]:
        """Target less reconstruction, without gradient."""
        return (self.target - self.reconstruction).detach()

    @cached_property
    def written_residual(self) -> tuple[Float[Tensor, "rows m"], Float[Tensor, "rows m"] | None]:
        """The residual of all that latents write, and the weight of its entries."""
        return self.decoder.written_residual(
            self.residual, self.target, self.values, self.support, self.batch.segments
        )
