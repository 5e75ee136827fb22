"""Tubes: a linear map of a block of pixels over several frames of a clip."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.errors import ConfigError, DataError
from sparsetime.sequence_models.sequence_component import Count
from sparsetime.sequence_models.views.patches import check_length
from sparsetime.sequence_models.views.positions import small_vectors, time_and_place
from sparsetime.sequence_models.views.values import check_finite
from sparsetime.sequence_models.views.vector_layout import VectorLayout
from sparsetime.sequence_models.views.view import ViewComponent


@final
@component("tubes", example={"d": 8, "frames": 2, "pixels": 4, "height": 8, "width": 8})
class Tubes(ViewComponent):
    """Patches of a clip in space and time: `frames` frames of a square of `pixels` pixels.

        y_{t, r, c} = W x[t, r, c] + b + sine(t) + e_{r, c}

    x[t, r, c]: all values of a tube. e: a learnt vector for each place of a frame. Vectors come
    time after time, at each the places row by row, so several vectors share a time.

    Source: Feichtenhofer et al. 2022, arXiv:2205.09113; Arnab et al. 2021, arXiv:2103.15691.
    """

    has_positions = True

    def __init__(
        self,
        d: Count,
        frames: Count = 2,
        pixels: Count = 8,
        height: Count = 32,
        width: Count = 32,
        channels: Count = 3,
    ) -> None:
        super().__init__(
            d=d, frames=frames, pixels=pixels, height=height, width=width, channels=channels
        )
        if height % pixels or width % pixels:
            raise ConfigError(
                f"got pixels={pixels} of frames of {height} by {width}, expected a divisor of both"
            )
        self.stride = self.size = frames
        self.pixels, self.frame = pixels, (height, width, channels)
        self.places = (height // pixels) * (width // pixels)
        self.content_size = frames * pixels * pixels * channels
        self.map = nn.Linear(self.content_size, d)
        self.place = small_vectors(self.places, d)

    def embed(self, x: Float[Tensor, "batch steps ..."]) -> Float[Tensor, "batch time d"]:
        """The vectors. Errors: as `content`."""
        vectors: Tensor = self.map(self.content(x))
        return vectors

    def content(
        self, x: Float[Tensor, "batch steps ..."]
    ) -> Float[Tensor, "batch time content_size"]:
        """The values of every tube: frame, row, column, channel.

        Errors: DataError for frames of another shape, for values that are not finite, and for clips
        shorter than a tube.
        """
        if x.ndim != 5 or tuple(x.shape[2:]) != self.frame:
            raise DataError(
                f"got clips of shape {list(x.shape)}, expected [batch, frames, "
                f"{', '.join(map(str, self.frame))}]"
            )
        check_length(x.shape[1], self.size)
        check_finite(x)
        times = x.shape[1] // self.size
        x = x[:, : times * self.size].unflatten(1, (times, self.size))
        x = x.unflatten(3, (-1, self.pixels)).unflatten(5, (-1, self.pixels))
        # [batch, times, frames, rows, pixels, columns, pixels, channels]
        return x.permute(0, 1, 3, 5, 2, 4, 6, 7).flatten(4).flatten(1, 3)

    def positions(self, layout: VectorLayout) -> Float[Tensor, "time d"]:
        """Sines of the time, and the learnt vector of the place."""
        return time_and_place(layout.times, self.place)
