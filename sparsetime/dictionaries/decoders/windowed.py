"""Atoms that go on for some steps."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.state.causal_window import checked_window
from sparsetime.kernels import Support


@final
@component("windowed")
class WindowedDecoder(Decoder):
    """Every atom is a direction for each of the `window` steps that end with the present one.

    As atoms of a dictionary they are their last step: what a code says of the step that it stands
    at. `over_window` gives what it says of the whole window.

    weight: [width, window * d_out], rows of unit Euclidean norm; bias: [d_out], of every step.
    `profile` is the same, so scaled that an atom which does not change in time has length one at
    each step.
    """

    unit_rows = frozenset({"weight"})

    def __init__(self, width: int, d_out: int, window: int = 5) -> None:
        super().__init__(width=width, d_out=d_out, window=checked_window(window))
        self.width, self.d_out, self.groups, self.window = width, d_out, (width,), window
        self.weight = nn.Parameter(torch.zeros(width, window * d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))

    @property
    def profile(self) -> Float[Tensor, "width window d"]:
        """The directions over time, the oldest step first."""
        profile: Tensor = self.weight.unflatten(1, (self.window, self.d_out)) * self.window**0.5
        return profile

    def vectors(self) -> Float[Tensor, "width d"]:
        last: Tensor = self.weight[:, -self.d_out :] * self.window**0.5
        return last

    def over_window(
        self, values: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, "rows window d"]:
        """What codes say of the window that ends with each row, in normalised activations."""
        flat = kernels.decode(values, support, self.weight) * self.window**0.5
        windows: Tensor = flat.unflatten(1, (self.window, self.d_out)) + self.bias
        return windows

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Directions that do not change in time, uniform on the sphere."""
        steady = torch.randn(self.width, self.d_out, generator=generator)
        self.weight.copy_(steady.repeat(1, self.window))
        self.weight.div_(self.weight.norm(dim=1, keepdim=True).clamp_min_(1e-8))
