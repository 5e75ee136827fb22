"""Patches: a linear map of several steps of a series at once."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.errors import DataError
from sparsetime.sequence_models.sequence_component import Count
from sparsetime.sequence_models.views.values import check_finite, check_values
from sparsetime.sequence_models.views.view import ViewComponent


@final
@component("patches", example={"d": 8, "d_in": 3, "size": 4})
class Patches(ViewComponent):
    """A linear map of `size` steps of all channels.

        y_i = W [x_{i s}, ..., x_{i s + size - 1}] + b + p_i

    s: the stride, `size` by default, so that patches do not overlap. Steps at the end that fill no
    patch are left out. p: sines of the patch's number, without `positions` none.

    Source: Nie et al. 2023, A time series is worth 64 words, arXiv:2211.14730, section 3.1.
    """

    def __init__(
        self,
        d: Count,
        d_in: Count,
        size: Count = 16,
        stride: Count | None = None,
        positions: bool = True,
    ) -> None:
        super().__init__(d=d, d_in=d_in, size=size, stride=stride, positions=positions)
        self.size, self.stride, self.d_in = size, stride or size, d_in
        self.has_positions = positions
        self.content_size = size * d_in
        self.map = nn.Linear(size * d_in, d)

    def embed(self, x: Float[Tensor, "batch steps ..."]) -> Float[Tensor, "batch time d"]:
        """The vectors. Errors: as `content`."""
        vectors: Tensor = self.map(self.content(x))
        return vectors

    def content(
        self, x: Float[Tensor, "batch steps ..."]
    ) -> Float[Tensor, "batch time content_size"]:
        """The values of every patch, step after step. Errors: as `windows`."""
        return windows(x, self.d_in, self.size, self.stride).transpose(2, 3).flatten(2)


def windows(
    x: Float[Tensor, "batch steps ..."], d_in: int, size: int, stride: int
) -> Float[Tensor, "batch windows d_in size"]:
    """The values of `size` steps, every `stride` steps.

    Errors: DataError for another shape, for values that are not finite, and for sequences shorter
    than a window.
    """
    check_values(x, d_in)
    check_length(x.shape[1], size)
    check_finite(x)
    return x.unfold(1, size, stride)


def check_length(steps: int, size: int) -> None:
    """Errors: DataError for sequences shorter than a patch."""
    if steps < size:
        raise DataError(
            f"got sequences of {steps} steps, expected at least one patch of {size}; give a "
            "smaller size"
        )
