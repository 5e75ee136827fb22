"""Values: a linear map of the channels of every step."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.errors import DataError
from sparsetime.sequence_models.sequence_component import Count
from sparsetime.sequence_models.views.view import ViewComponent


@final
@component("values", example={"d": 8, "d_in": 3})
class Values(ViewComponent):
    """A linear map of every step.

        y_t = W x_t + b

    d_in: channels of the series, or dimension of frozen features of frames.

    Source: Vaswani et al. 2017, arXiv:1706.03762 (input embedding).
    """

    def __init__(self, d: Count, d_in: Count) -> None:
        super().__init__(d=d, d_in=d_in)
        self.content_size = d_in
        self.map = nn.Linear(d_in, d)

    def embed(self, x: Float[Tensor, "batch steps ..."]) -> Float[Tensor, "batch steps d"]:
        """The vectors. Errors: as `content`."""
        vectors: Tensor = self.map(self.content(x))
        return vectors

    def content(self, x: Float[Tensor, "batch steps ..."]) -> Float[Tensor, "batch steps d_in"]:
        """The values. Errors: DataError for another shape, and for values that are not finite."""
        check_values(x, self.map.in_features)
        check_finite(x)
        return x


def check_values(x: Float[Tensor, "batch steps ..."], d_in: int) -> None:
    """Errors: DataError for another shape than [batch, steps, d_in]."""
    if x.ndim != 3 or x.shape[2] != d_in:
        raise DataError(
            f"got values of shape {list(x.shape)}, expected [batch, steps, {d_in}]; d_in= is the "
            "number of channels"
        )


def check_finite(x: Float[Tensor, "batch steps ..."]) -> None:
    """Errors: DataError that names the first step whose values are not finite."""
    is_bad = ~x.isfinite()
    if is_bad.any():
        sequence, step = is_bad.flatten(2).any(2).nonzero()[0].tolist()
        raise DataError(
            f"got a value that is not finite at step {step} of sequence {sequence}, expected "
            "numbers; fill gaps first, or leave those steps out"
        )
