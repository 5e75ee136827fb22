"""SegmentBatching: how one training batch of rows is divided into windows of consecutive steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.activations.sampling.sample_kinds import Lag
from sparsetime.errors import ConfigError
from sparsetime.segments import Segments


@final
@dataclass(frozen=True)
class SegmentBatching:
    """A batch of `windows` windows of `length` steps, of which the first `lag` are context.

    lag: steps from a row's earlier neighbour to the row; 0 where no neighbours are needed. The
    context of a window is the neighbour of its first rows and is not itself trained on.
    """

    windows: int
    length: int
    lag: int

    @staticmethod
    def of(batch: int, window: int, lag: Lag = 0) -> SegmentBatching:
        """The division of `batch` rows into segments of `window` steps with their neighbours.

        Errors: ConfigError where not one segment fits, or neighbours are drawn at random.
        """
        if window < 1 or batch < window:
            raise ConfigError(
                f"a batch of {batch} rows holds no segment of window={window} steps: take a larger "
                "batch or a smaller window, of at least 1 step"
            )
        if not isinstance(lag, int):
            raise ConfigError(
                f"lag={lag} draws neighbours at random, and segments of time need one number of "
                "steps between rows and neighbours"
            )
        return SegmentBatching(batch // window, window + lag, lag)

    def unpack(
        self, windows: Float[Tensor, "windows time d"], mask: Bool[Tensor, "windows time"]
    ) -> tuple[Float[Tensor, "rows d"], Float[Tensor, "rows d"], Segments]:
        """The rows behind the context, each row's neighbour `lag` steps before, and the segments.

        Padded steps (mask False) are left out.
        """
        real = mask[:, self.lag :]
        segments = Segments.of_lengths(real.sum(1), windows.device)
        return windows[:, self.lag :][real], windows[:, : real.shape[1]][real], segments
