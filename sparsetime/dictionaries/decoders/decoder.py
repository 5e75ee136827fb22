"""Base class of decoders: the directions (atoms) whose weighted sum is the reconstruction."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.dictionaries.component import Component
from sparsetime.kernels import Support
from sparsetime.segments import Segments


class Decoder(Component):
    """Linear decoder: subclasses define the directions (`vectors`), decoding follows from them.

        x̂_n = bias + Σ_i z_{n,i} · vectors_i

    groups: the ends of nested prefixes of latents, the last of them the width. bias: [d_out].
    """

    role = "decoder"
    divides_rows = True
    #: Whether `init_from_data` sets the directions; the encoder is then initialised after it.
    from_data: ClassVar[bool] = False
    #: Whether training adds the atoms row by row, so that it needs no gradient.
    grows_by_rows: ClassVar[bool] = False
    width: int
    d_out: int
    groups: tuple[int, ...]
    bias: Tensor

    @abstractmethod
    def vectors(self) -> Float[Tensor, "width d"]:
        """The directions, with gradients to the parameters that they are computed from."""

    def written(self) -> Float[Tensor, "width m"]:
        """All that a latent writes: its direction, or those of several steps joined."""
        return self.vectors()

    def written_residual(
        self,
        residual: Float[Tensor, "rows d"],
        target: Float[Tensor, "rows d"],
        values: Float[Tensor, " entries"],
        support: Support,
        segments: Segments | None,
    ) -> tuple[Float[Tensor, "rows m"], Float[Tensor, "rows m"] | None]:
        """The residual of all that latents write, and the weight of its entries (None: all 1).

        residual: of the row itself, with any skip connection; enough where a latent writes no more.
        """
        del target, values, support, segments
        return residual, None

    @abstractmethod
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random directions, or placeholders until `init_from_data`."""

    def decode(
        self, values: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, "rows d"]:
        """Reconstructed activations: offset plus weighted atoms."""
        return kernels.decode(values, support, self.vectors()) + self.bias

    def decode_nested(
        self, values: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, "groups rows d"]:
        """Reconstruction by each nested prefix alone; the last is `decode`.

        Entries ascend within a row, so a prefix is a contiguous run of them. Every entry is summed
        once, into the contribution of its group, and the contributions are then summed over groups.
        """
        if len(self.groups) == 1:
            return self.decode(values, support)[None]
        finer = kernels.by_group(support, self.groups)
        added = kernels.decode(values, finer, self.vectors())
        added = added.reshape(support.rows, len(self.groups), self.d_out)
        return added.cumsum(1).transpose(0, 1) + self.bias

    def squared_error(
        self,
        values: Float[Tensor, " entries"],
        support: Support,
        target: Float[Tensor, "rows d"],
        shares: tuple[float, ...] | None = None,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "rows d"]]:
        """Mean squared error of the reconstruction, and the residual, without gradient.

        shares: the weight of the error of each nested prefix; None counts the whole code alone.
        """
        ends = (self.width,) if shares is None else self.groups
        return kernels.squared_error(
            values, support, self.vectors(), self.bias, target, ends, shares or (1.0,)
        )
