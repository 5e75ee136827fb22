"""Segments: contiguous rows of sequences, one representation for all rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.errors import DataError


@final
@dataclass(frozen=True)
class Segments:
    """Contiguous rows, segment after segment, each in order of time and without a gap.

    Segment `i` is the rows `offsets[i]` to `offsets[i + 1]` (exclusive). Lengths may differ, and
    may be zero.

    offsets: int64 [segments + 1], ascending from 0.

    Errors: DataError for offsets that do not ascend from 0.
    """

    offsets: Int[Tensor, " segments_plus_1"]

    def __post_init__(self) -> None:
        if self.offsets.numel() < 1 or self.offsets[0] != 0 or (self.offsets.diff() < 0).any():
            raise DataError(
                f"got offsets {self.offsets.tolist()[:8]}, expected the first row of every "
                "segment and then the number of rows; they ascend from 0"
            )

    @staticmethod
    def of_lengths(
        lengths: Sequence[int] | Int[np.ndarray, " segments"] | Int[Tensor, " segments"],
        device: torch.device | str = "cpu",
    ) -> Segments:
        """Segments of the given numbers of steps, one after another."""
        counts = torch.as_tensor(lengths, dtype=torch.int64, device=device)
        return Segments(torch.cat([counts.new_zeros(1), counts.cumsum(0)]))

    @staticmethod
    def even(count: int, length: int, device: torch.device | str = "cpu") -> Segments:
        """`count` segments of `length` steps each."""
        return Segments(torch.arange(count + 1, device=device) * length)

    @property
    def count(self) -> int:
        """Number of segments."""
        return self.offsets.shape[0] - 1

    @cached_property
    def rows(self) -> int:
        """Number of rows of all segments together."""
        return int(self.offsets[-1])

    @cached_property
    def lengths(self) -> Int[Tensor, " segments"]:
        """Steps of every segment."""
        return self.offsets.diff()

    @cached_property
    def numpy_offsets(self) -> Int[np.ndarray, " segments_plus_1"]:
        """The offsets as a NumPy array, for compiled loops: a view where they are on the CPU."""
        return self.offsets.cpu().numpy()

    @cached_property
    def numpy_lengths(self) -> Int[np.ndarray, " segments"]:
        """The lengths as a NumPy array."""
        return np.diff(self.numpy_offsets)

    @cached_property
    def of_row(self) -> Int[Tensor, " rows"]:
        """The segment of every row."""
        numbers = torch.arange(self.count, device=self.offsets.device)
        return numbers.repeat_interleave(self.lengths, output_size=self.rows)

    @cached_property
    def position(self) -> Int[Tensor, " rows"]:
        """The step of every row within its segment, from 0."""
        return torch.arange(self.rows, device=self.offsets.device) - self.offsets[self.of_row]

    def earlier(self, lag: int = 1) -> Int[Tensor, " rows"]:
        """The row `lag` steps before every row; -1 where the segment begins later."""
        rows = torch.arange(self.rows, device=self.offsets.device)
        return torch.where(self.position >= lag, rows - lag, -1)

    def padded(
        self, x: Float[Tensor, "rows d"]
    ) -> tuple[Float[Tensor, "segments time d"], Bool[Tensor, "segments time"]]:
        """The rows by segment, padded with zeros to the longest, and the mask of real steps."""
        longest = int(self.lengths.max()) if self.count else 0
        out = x.new_zeros(self.count, longest, x.shape[1])
        out[self.of_row, self.position] = x
        steps = torch.arange(longest, device=self.offsets.device)
        return out, steps[None] < self.lengths[:, None]

    def flat(self, padded: Float[Tensor, "segments time d"]) -> Float[Tensor, "rows d"]:
        """The inverse of `padded`."""
        return padded[self.of_row, self.position]

    def within(self, rows: int) -> Segments:
        """The whole segments among the first `rows` rows; at least the first segment."""
        count = int((self.offsets[1:] <= rows).sum())
        return Segments(self.offsets[: max(1, count) + 1])

    def twice(self) -> Segments:
        """The same segments appended to themselves, as for a batch and its earlier rows."""
        return Segments(torch.cat([self.offsets, self.offsets[1:] + self.rows]))
