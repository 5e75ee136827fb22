"""Segments: which rows follow each other in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.errors import ConfigError, DataError


@dataclass(frozen=True)
class Segments:
    """Rows on end, segment after segment, each in the order of time and without a gap.

    Segment `i` is the rows `offsets[i]` to `offsets[i + 1]` (exclusive); lengths may differ, and
    may be zero.

    offsets: int64 [segments + 1], from 0 on.

    Errors: DataError for offsets that do not ascend from 0.
    """

    offsets: Int[Tensor, " stretches_plus_1"]

    def __post_init__(self) -> None:
        if self.offsets.numel() < 1 or self.offsets[0] != 0 or (self.offsets.diff() < 0).any():
            raise DataError(
                "offsets say where segments begin, and last where the rows end: they ascend from "
                f"0; given: {self.offsets.tolist()[:8]}"
            )

    @staticmethod
    def of_lengths(
        lengths: Sequence[int] | Int[Tensor, " segments"], device: torch.device | str = "cpu"
    ) -> Segments:
        """Segments of the given numbers of steps, on end."""
        counts = torch.as_tensor(lengths, dtype=torch.int64, device=device)
        return Segments(torch.cat([counts.new_zeros(1), counts.cumsum(0)]))

    @staticmethod
    def even(count: int, length: int, device: torch.device | str = "cpu") -> Segments:
        """So many segments of one length."""
        return Segments(torch.arange(count + 1, device=device) * length)

    @property
    def count(self) -> int:
        """Number of segments."""
        return self.offsets.shape[0] - 1

    @cached_property
    def rows(self) -> int:
        """Number of rows in all."""
        return int(self.offsets[-1])

    @cached_property
    def lengths(self) -> Int[Tensor, " segments"]:
        """Steps of every segment."""
        return self.offsets.diff()

    @cached_property
    def of_row(self) -> Int[Tensor, " rows"]:
        """The segment of every row."""
        numbers = torch.arange(self.count, device=self.offsets.device)
        return numbers.repeat_interleave(self.lengths, output_size=self.rows)

    @cached_property
    def position(self) -> Int[Tensor, " rows"]:
        """The number of every row within its segment, from 0 on."""
        return torch.arange(self.rows, device=self.offsets.device) - self.offsets[self.of_row]

    def earlier(self, lag: int = 1) -> Int[Tensor, " rows"]:
        """The row that lies `lag` steps before every row; -1 where the segment begins later."""
        rows = torch.arange(self.rows, device=self.offsets.device)
        return torch.where(self.position >= lag, rows - lag, -1)

    def padded(
        self, x: Float[Tensor, "rows d"]
    ) -> tuple[Float[Tensor, "segments time d"], Bool[Tensor, "segments time"]]:
        """A segment a line, filled up with zeros to the longest, and where steps are real."""
        longest = int(self.lengths.max()) if self.count else 0
        out = x.new_zeros(self.count, longest, x.shape[1])
        out[self.of_row, self.position] = x
        steps = torch.arange(longest, device=self.offsets.device)
        return out, steps[None] < self.lengths[:, None]

    def flat(self, padded: Float[Tensor, "segments time d"]) -> Float[Tensor, "rows d"]:
        """The rows again, out of what `padded` gave."""
        return padded[self.of_row, self.position]

    def within(self, rows: int) -> Segments:
        """The whole segments among the first rows; the first alone where it is longer."""
        count = int((self.offsets[1:] <= rows).sum())
        return Segments(self.offsets[: max(1, count) + 1])

    def twice(self) -> Segments:
        """The same segments once more behind these, as for a batch and its earlier rows."""
        return Segments(torch.cat([self.offsets, self.offsets[1:] + self.rows]))


@dataclass(frozen=True)
class SegmentBatching:
    """How batches of rows are cut into segments: `count` windows of `length` steps.

    lag: how far before a row its earlier neighbour lies; 0 where none is wanted.
    """

    count: int
    length: int
    lag: int

    @staticmethod
    def of(batch: int, window: int, lag: int | tuple[int, int] = 0) -> SegmentBatching:
        """The cut of `batch` rows into segments of `window` steps that have their neighbours.

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

    def rows(
        self, windows: Float[Tensor, "windows time d"], mask: Bool[Tensor, "windows time"]
    ) -> tuple[Float[Tensor, "rows d"], Float[Tensor, "rows d"], Segments]:
        """The real rows of windows, their earlier neighbours, and how the rows lie in time."""
        real = mask[:, self.lag :]
        segments = Segments.of_lengths(real.sum(1), windows.device)
        return windows[:, self.lag :][real], windows[:, : real.shape[1]][real], segments
