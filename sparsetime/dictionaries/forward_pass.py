"""One training step as the objectives see it: everything computed once, when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.activations.sampling.batch import Batch
from sparsetime.codes import SparseCode
from sparsetime.kernels import Support

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


@dataclass(frozen=True)
class ForwardPass:
    """A batch on its way through a dictionary, with gradients.

    x: normalised activations [rows, d_in].
    support, pre, values: the kept places, their exact pre-activations and strengths.
    earlier: the codes of the rows one lag earlier, where a part needs them.
    dead: the latents that have not fired for long [width], None where nobody counts.
    batch: the raw batch, with all that the parts need.
    progress: how much of the training is over, from 0 to 1.
    """

    dictionary: Dictionary
    x: Float[Tensor, "rows d_in"]
    support: Support
    pre: Float[Tensor, " entries"]
    values: Float[Tensor, " entries"]
    earlier: SparseCode | None = None
    dead: Bool[Tensor, " width"] | None = None
    batch: Batch | None = None
    progress: float = 0.0

    @cached_property
    def target(self) -> Float[Tensor, "rows d_out"]:
        """What is to be reconstructed, normalised: x, or the other site's activations."""
        if self.dictionary.out_dims is None:
            return self.x
        assert self.batch is not None, "the target was asked for, so the batch is there"
        assert self.batch.target is not None, "it is among what the dictionary needs"
        return self.dictionary.output_normalisation.normalise(self.batch.target)

    @property
    def all_values(self) -> Float[Tensor, " entries"]:
        """The strengths of all rows that were encoded, the earlier ones too, without gradient."""
        values = self.values.detach()
        return values if self.earlier is None else torch.cat([values, self.earlier.values.detach()])

    @cached_property
    def code(self) -> SparseCode:
        """The code of the batch; `values` carry gradients."""
        return SparseCode(
            self.support.offsets,
            self.support.indices,
            self.values,
            self.support.width,
            (self.x.shape[0],),
        )

    @cached_property
    def skip_output(self) -> Float[Tensor, "rows d"] | None:
        """What is guessed without the code, where there is a base."""
        skip = self.dictionary.skip
        return None if skip is None else skip.predict(self.dictionary.centred(self.x))

    @property
    def code_target(self) -> Float[Tensor, "rows d"]:
        """What the code is to explain: the target, less what is guessed without it."""
        return self.target if self.skip_output is None else self.target - self.skip_output

    @cached_property
    def nested(self) -> Float[Tensor, "groups rows d"]:
        """The reconstruction by each nested prefix of latents; the last is by all."""
        nested = self.dictionary.decoder.decode_nested(self.values, self.support)
        return nested if self.skip_output is None else nested + self.skip_output

    @cached_property
    def reconstruction(self) -> Float[Tensor, "rows d"]:
        """The reconstruction by all latents."""
        decoded = self.dictionary.decoder.decode(self.values, self.support)
        return decoded if self.skip_output is None else decoded + self.skip_output

    @cached_property
    def residual(self) -> Float[Tensor, "rows d"]:
        """What the reconstruction leaves over, without gradient."""
        return (self.target - self.reconstruction).detach()
