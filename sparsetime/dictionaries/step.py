"""One training step as the objectives see it: everything computed once, when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.kernels import Support

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


@dataclass(frozen=True)
class Step:
    """A batch on its way through a dictionary, with gradients.

    x: normalised activations [rows, d], which are also the target.
    support, pre, values: the kept places, their exact pre-activations and strengths.
    earlier: the codes of the rows one lag earlier, where the batch came in pairs.
    dead: the latents that have not fired for long [width], None where nobody counts.
    """

    dictionary: Dictionary
    x: Float[Tensor, "rows d"]
    support: Support
    pre: Float[Tensor, " entries"]
    values: Float[Tensor, " entries"]
    earlier: SparseCode | None = None
    dead: Bool[Tensor, " width"] | None = None

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
    def nested(self) -> Float[Tensor, "groups rows d"]:
        """The reconstruction by each nested prefix of latents; the last is by all."""
        return self.dictionary.decoder.decode_nested(self.values, self.support)

    @property
    def reconstruction(self) -> Float[Tensor, "rows d"]:
        """The reconstruction by all latents."""
        return self.nested[-1]

    @cached_property
    def residual(self) -> Float[Tensor, "rows d"]:
        """What the reconstruction leaves over, without gradient."""
        return (self.x - self.reconstruction).detach()
