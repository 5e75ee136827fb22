"""Channel patches: a vector for every channel and stretch of steps, such as a sensor's hours."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.sequence_models.sequence_component import Count
from sparsetime.sequence_models.views.patches import windows
from sparsetime.sequence_models.views.positions import small_vectors, time_and_place
from sparsetime.sequence_models.views.vector_layout import VectorLayout
from sparsetime.sequence_models.views.view import ViewComponent


@final
@component("channel_patches", example={"d": 8, "d_in": 3, "size": 4})
class ChannelPatches(ViewComponent):
    """A linear map of `size` steps of each channel apart, the same map for all.

        y_{i, c} = W [x_{i s, c}, ..., x_{i s + size - 1, c}] + b + sine(i) + e_c

    e: a learnt vector of each channel. Vectors come time after time, at each the channels in order,
    so that a mask of places hides channels and a mask of times hides times.

    Source: Nie et al. 2023, arXiv:2211.14730 (channel independence); Gao et al. 2024, STD-MAE,
    arXiv:2312.00516 (positions in space and time).
    """

    has_positions = True

    def __init__(self, d: Count, d_in: Count, size: Count = 12) -> None:
        super().__init__(d=d, d_in=d_in, size=size)
        self.size = self.stride = self.content_size = size
        self.d_in = self.places = d_in
        self.map = nn.Linear(size, d)
        self.channel = small_vectors(d_in, d)

    def embed(self, x: Float[Tensor, "batch steps ..."]) -> Float[Tensor, "batch time d"]:
        """The vectors. Errors: as `content`."""
        vectors: Tensor = self.map(self.content(x))
        return vectors

    def content(
        self, x: Float[Tensor, "batch steps ..."]
    ) -> Float[Tensor, "batch time content_size"]:
        """The values of every patch. Errors: as `windows`."""
        return windows(x, self.d_in, self.size, self.size).flatten(1, 2)

    def positions(self, layout: VectorLayout) -> Float[Tensor, "time d"]:
        """Sines of the time, and the learnt vector of the channel."""
        return time_and_place(layout.times, self.channel)
