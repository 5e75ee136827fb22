"""Scales: the shape of every window, and its mean and deviation embedded at many scales."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.sequence_models.sequence_component import Count
from sparsetime.sequence_models.views.patches import windows
from sparsetime.sequence_models.views.view import ViewComponent

_SMALLEST = 1e-6  # deviation of a window that does not vary


@final
@component("scales", example={"d": 8, "d_in": 3, "size": 4})
class Scales(ViewComponent):
    """Numerically multi-scaled embedding of windows of `size` steps.

        y_i = W [shape, e(mean), e(deviation)] + b + p_i,    shape = (x - mean) / deviation
        e(s) = sum_k a_k LayerNorm(w_k s / scale_k + b_k) / sum_k a_k
        a_k = 1 / |log(|s| / scale_k + eps)|

    scale_k: `scales` powers of 10 around 1, 10^-4 to 10^4 by default; 1 for one scale alone. So a
    number is embedded at the scales near its own size, and the view reads series whose amplitudes
    differ by orders of magnitude. p: sines of the window's number.

    Source: Lin et al. 2024, NuTime, arXiv:2310.07402, section 3.2.
    """

    def __init__(
        self,
        d: Count,
        d_in: Count,
        size: Count = 16,
        of_number: Count = 8,
        scales: Count = 9,
        positions: bool = True,
    ) -> None:
        super().__init__(
            d=d, d_in=d_in, size=size, of_number=of_number, scales=scales, positions=positions
        )
        self.size = self.stride = size
        self.d_in, self.has_positions = d_in, positions
        self.content_size = size * d_in
        self.register_buffer("exponents", torch.arange(scales) - (scales - 1) / 2, persistent=False)
        self.slope = nn.Embedding(scales, of_number)
        self.shift = nn.Embedding(scales, of_number)
        self.norm = nn.LayerNorm(of_number)
        self.map = nn.Linear(d_in * (size + 2 * of_number), d)

    def embed(self, x: Float[Tensor, "batch steps ..."]) -> Float[Tensor, "batch time d"]:
        """The vectors. Errors: as `content`."""
        values = self.content(x).unflatten(2, (self.size, self.d_in))
        mean, deviation = values.mean(2), values.std(2, correction=0)
        shape = (values - mean[:, :, None]) / (deviation[:, :, None] + _SMALLEST)
        numbers = [self.embedded_number(one).flatten(2) for one in (mean, deviation)]
        vectors: Tensor = self.map(torch.cat([shape.flatten(2), *numbers], 2))
        return vectors

    def embedded_number(self, s: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape of_number"]:
        """e(s) above."""
        scale = 10.0 ** self.get_buffer("exponents")
        scaled = s[..., None] / scale
        closeness = 1 / (scaled.abs() + 1e-6).log().abs().clamp_min(1e-2)
        each = self.norm(scaled[..., None] * self.slope.weight + self.shift.weight)
        weights = closeness / closeness.sum(-1, keepdim=True)
        embedded: Tensor = (weights[..., None] * each).sum(-2)
        return embedded

    def content(
        self, x: Float[Tensor, "batch steps ..."]
    ) -> Float[Tensor, "batch time content_size"]:
        """The values of every window, step after step. Errors: as `windows`."""
        return windows(x, self.d_in, self.size, self.size).transpose(2, 3).flatten(2)
