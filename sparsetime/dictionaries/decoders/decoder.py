"""What all atoms offer: directions that a code sums to give the activation back."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.dictionaries.component import Component
from sparsetime.kernels import Support


class Decoder(Component):
    """Say what the directions are (`vectors`); decoding follows.

    groups: the ends of nested prefixes of latents, the last of them the width. bias: [d_out].
    """

    role = "decoder"
    #: Whether `init_from_data` makes the directions, so that the encoder begins from them after it.
    from_data: ClassVar[bool] = False
    width: int
    d_out: int
    groups: tuple[int, ...]
    bias: nn.Parameter

    @abstractmethod
    def vectors(self) -> Float[Tensor, "width d"]:
        """The directions, with gradients to what they are made of."""

    @abstractmethod
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random directions, or whatever stands for them until `init_from_data`."""

    def decode(
        self, values: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, "rows d"]:
        """The activations that a code stands for: offset plus weighted atoms."""
        return kernels.decode(values, support, self.vectors()) + self.bias

    def decode_nested(
        self, values: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, "groups rows d"]:
        """What each nested prefix alone gives back; the last is `decode`.

        Entries ascend within a row, so a prefix is a segment of them: every entry is summed once,
        into the part that its group adds, and the parts are then added up.
        """
        if len(self.groups) == 1:
            return self.decode(values, support)[None]
        finer = kernels.by_group(support, self.groups)
        parts = kernels.decode(values, finer, self.vectors())
        parts = parts.reshape(support.rows, len(self.groups), self.d_out)
        return parts.cumsum(1).transpose(0, 1) + self.bias

    def nested_errors(
        self,
        values: Float[Tensor, " entries"],
        support: Support,
        target: Float[Tensor, "rows d"],
    ) -> Float[Tensor, " groups"]:
        """Mean squared distance from the target of what each nested prefix gives back."""
        aim = target - self.bias
        return kernels.nested_errors(values, support, self.vectors(), aim, self.groups)
