"""Decoders whose atoms extend over several time steps."""

from __future__ import annotations

from abc import abstractmethod
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.state.causal_window import checked_window, trailing
from sparsetime.kernels import Support
from sparsetime.segments import Segments


class WindowDecoder(Decoder):
    """Base class: one direction for each of the `window` steps up to the present one.

        x̂_{n,a} = b + sqrt(window) · Σ_i z_{n,i} · w_i^(a),   Σ_a ||w_i^(a)||² = 1,   a: age

    The atoms of the dictionary are those of age 0: what a code reconstructs of its own step.
    `over_window` reconstructs the whole window. The factor gives an atom that is constant over the
    window unit norm at each step. Subclasses define the rows w (`over_time`).
    """

    undivided = "its atoms extend over several steps"
    window: int

    @abstractmethod
    def over_time(self) -> Float[Tensor, "width m"]:
        """Unit rows [width, window * d_out], the oldest step first, with gradients."""

    @property
    def profile(self) -> Float[Tensor, "width window d"]:
        """Directions over time, the oldest step first."""
        profile: Tensor = (
            self.over_time().unflatten(1, (self.window, self.d_out)) * self.window**0.5
        )
        return profile

    def vectors(self) -> Float[Tensor, "width d"]:
        present: Tensor = self.over_time()[:, -self.d_out :] * self.window**0.5
        return present

    def over_window(
        self, values: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, "rows window d"]:
        """Reconstruction of the window that ends with each row, in normalised activations."""
        flat = kernels.decode(values, support, self.over_time()) * self.window**0.5
        windows: Tensor = flat.unflatten(1, (self.window, self.d_out)) + self.bias
        return windows

    def window_errors(
        self,
        values: Float[Tensor, " entries"],
        support: Support,
        target: Float[Tensor, "rows d"],
        segments: Segments,
    ) -> tuple[Float[Tensor, "rows window d"], Float[Tensor, "rows window"]]:
        """Target less reconstruction of every window, and the weight of its steps.

        A step before the start of the segment has the weight 0; the others share 1.
        """
        windows = trailing(target, segments, self.window)[0]
        age = torch.arange(self.window - 1, -1, -1, device=windows.device)
        inside = (segments.position[:, None] >= age).to(windows)
        return windows - self.over_window(values, support), inside / inside.sum(1, keepdim=True)

    def written(self) -> Float[Tensor, "width m"]:
        whole: Tensor = self.over_time() * self.window**0.5
        return whole

    def written_residual(
        self,
        residual: Float[Tensor, "rows d"],
        target: Float[Tensor, "rows d"],
        values: Float[Tensor, " entries"],
        support: Support,
        segments: Segments | None,
    ) -> tuple[Float[Tensor, "rows m"], Float[Tensor, "rows m"]]:
        in_time = segments or Segments.even(target.shape[0], 1, target.device)
        errors, share = self.window_errors(values, support, target, in_time)
        weight = share[..., None].expand_as(errors)
        return (errors * (weight > 0)).flatten(1).detach(), weight.flatten(1)


@final
@component("windowed")
class WindowedDecoder(WindowDecoder):
    """Atoms over a window that are free at every step.

        x̂_{n,a} = b + sqrt(window) · Σ_i z_{n,i} · w_i^(a),   Σ_a ||w_i^(a)||² = 1,   a: age

    weight: [width, window * d_out]; bias: [d_out], the same for each step.

    Source: the decoder of a crosscoder (Lindsey et al. 2024, Sparse Crosscoders for Cross-Layer
    Features and Model Diffing) with steps of time as sites; the scale is this library's.
    """

    unit_rows = frozenset({"weight"})

    def __init__(self, width: int, d_out: int, window: int = 5) -> None:
        super().__init__(width=width, d_out=d_out, window=checked_window(window))
        self.width, self.d_out, self.groups, self.window = width, d_out, (width,), window
        self.weight = nn.Parameter(torch.zeros(width, window * d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))

    def over_time(self) -> Float[Tensor, "width m"]:
        return self.weight

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random directions that are constant over the window, uniform on the sphere."""
        constant = torch.randn(self.width, self.d_out, generator=generator)
        self.weight.copy_(constant.repeat(1, self.window))
        self.weight.div_(self.weight.norm(dim=1, keepdim=True).clamp_min_(1e-8))
