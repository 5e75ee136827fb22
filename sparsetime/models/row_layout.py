"""RowLayout: how the tensor of a site becomes rows [batch, rows, d], also feature maps."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, final

from torch import Tensor

from sparsetime.errors import MismatchError
from sparsetime.models.site_tensors import Activations

#: What is done with the places of a feature map: a row for each, their mean, or all in one row.
FeatureMap = Literal["flatten", "pool", "features"]


@final
@dataclass(frozen=True)
class RowLayout:
    """The axes of a site's tensor.

    axis: the axis of the rows; None for one row a sequence. folded: whether the first axis is
    batch * time, as of an image model over frames; `axis` is then 0. feature_map: what is done with
    axes beyond batch, rows and features: "flatten" makes a row of each place, "pool" takes their
    mean, "features" puts all into one row.

    leading: places before all others that are no part of the input, which the mean leaves out.
    convolved: whether the site is of a convolution, whose features come before its places.

    Features are the last axis where tokens have vectors ([batch, time, d], [batch, channels, time,
    d]), and the first behind the batch in feature maps of convolutions ([batch, d, time],
    [batch, d, height, width, time], [batch * time, d, height, width]) and before a single place
    ([batch * time, d, 1]).
    """

    axis: int | None = 1
    folded: bool = False
    feature_map: FeatureMap = "features"
    leading: int = 0
    convolved: bool = False

    def places(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Sizes of the axes beyond batch, rows and features; none of a single place."""
        rest = tuple(size for i, size in enumerate(shape[1:], 1) if i != self.axis)
        features = self._features(shape)
        places = rest[:features] + rest[features + 1 :] if rest else ()
        return places if math.prod(places) > 1 else ()

    def rows(self, value: Tensor, batch: int, site: str) -> Activations:
        """The rows [batch, rows, d] of a tensor of this layout.

        Errors: MismatchError where the batch does not divide it.
        """
        shape = tuple(value.shape)
        if self.folded:
            if shape[0] % batch:
                raise self._refused(shape, batch, site)
            rows = value.reshape(batch, shape[0] // batch, *shape[1:])
        elif shape[0] != batch:
            raise self._refused(shape, batch, site)
        else:
            rows = value[:, None] if self.axis is None else value.movedim(self.axis, 1)
        if rows.ndim <= 3 or self.feature_map == "features":
            return rows.reshape(batch, rows.shape[1], math.prod(rows.shape[2:]))
        rows = rows.movedim(2 + self._features(shape), -1)
        rows = rows.flatten(2, -2)
        if self.feature_map == "pool":
            return rows[:, :, self.leading :].mean(2)
        return rows.flatten(1, 2)

    def to_record(self) -> dict[str, Any]:
        """The layout as JSON values; those of stores from before `convolved` stay as they are."""
        record = asdict(self)
        if not self.convolved:
            del record["convolved"]
        return record

    def _features(self, shape: tuple[int, ...]) -> int:
        """Which of the axes beyond batch and rows holds the features."""
        rest = len(shape) - (1 if self.folded or self.axis is None else 2)
        if self.convolved or (rest > 1 and shape[-1] == 1):
            return 0
        if self.folded or self.axis is None:
            return 0 if rest >= 3 else rest - 1
        channels_first = self.axis == len(shape) - 1 or len(shape) >= 5
        return 0 if channels_first else rest - 1

    def _refused(self, shape: tuple[int, ...], batch: int, site: str) -> MismatchError:
        return MismatchError(
            f"got a tensor of shape {list(shape)} from the site {site!r} for {batch} windows, "
            f"expected its first axis to be {'batch * time' if self.folded else 'the batch'}; "
            "choose another site, or run one window at a time with batch=1"
        )
