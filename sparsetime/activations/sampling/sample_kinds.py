"""What one sample is: a row, a row with its later neighbour, or a segment of time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from sparsetime.errors import ConfigError, DataError

Integers = NDArray[np.int64]

#: How far apart the two rows of a pair lie: so many steps, or from the first to the second number.
Lag: TypeAlias = int | tuple[int, int]


@dataclass(frozen=True)
class Spans:
    """Sequences as row ranges `starts[i]` to `stops[i]` (exclusive), ascending and disjoint."""

    starts: Integers
    stops: Integers

    @property
    def lengths(self) -> Integers:
        return self.stops - self.starts


class SampleKind(ABC):
    """A kind of sample. Samples of a sequence begin every `stride` rows."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def stride(self) -> int: ...

    @property
    @abstractmethod
    def reach(self) -> int:
        """Rows that a sample covers, where its sequence does not end before."""

    @abstractmethod
    def counts(self, lengths: Integers) -> Integers:
        """Samples in sequences of the given lengths; 0 where a sequence is too short."""

    @abstractmethod
    def too_short(self, longest: int) -> str:
        """What to say where no sequence is long enough."""

    def locate(self, within: Integers, lengths: Integers) -> tuple[Integers, Integers]:
        """From the samples' numbers in their sequences: the row where each one's reach begins, and
        where it ends at the latest, counted from the sequences' beginnings.
        """
        return within * self.stride, lengths

    def resolve(
        self, first: Int[Tensor, " n"], stops: Int[Tensor, " n"], generator: torch.Generator
    ) -> Int[Tensor, " n"]:
        """The first row of every sample, where some of it is left to chance."""
        return first

    @abstractmethod
    def gather(
        self, buffer: Float[Tensor, "rows d"], first: Int[Tensor, " batch"], stops: Tensor
    ) -> tuple[Tensor, ...]:
        """The samples that begin at rows `first` of the buffer and end at `stops` at the latest."""


@dataclass(frozen=True)
class RowSamples(SampleKind):
    """Every row once: [batch, d]."""

    name: ClassVar[str] = "rows"
    stride: ClassVar[int] = 1
    reach: ClassVar[int] = 1

    def counts(self, lengths: Integers) -> Integers:
        return lengths

    def too_short(self, longest: int) -> str:
        return "all sequences are empty: capture some activations first"

    def gather(
        self, buffer: Float[Tensor, "rows d"], first: Int[Tensor, " batch"], stops: Tensor
    ) -> tuple[Tensor, ...]:
        return (buffer.index_select(0, first).float(),)


@dataclass(frozen=True)
class PairSamples(SampleKind):
    """Every row that has an earlier partner in its sequence, once, after it: [batch, 2, d].

    lag: how many steps before the row its partner lies. Of two numbers they are the least and the
    most: the partner is any row between, each as likely, and anew in every epoch.
    """

    lag: Lag
    name: ClassVar[str] = "pairs"
    stride: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if isinstance(self.lag, int):
            if self.lag < 1:
                raise ConfigError(f"lag is a number of steps, at least 1; {self.lag} was given")
        elif len(self.lag) != 2 or not 1 <= self.lag[0] <= self.lag[1]:
            raise ConfigError(
                "lag is a number of steps, or the least and the most of them, such as (1, 256), "
                f"with the least from 1 on; {self.lag} was given"
            )

    @property
    def least(self) -> int:
        return self.lag if isinstance(self.lag, int) else self.lag[0]

    @property
    def reach(self) -> int:
        return 1 + (self.lag if isinstance(self.lag, int) else self.lag[1])

    def counts(self, lengths: Integers) -> Integers:
        return np.maximum(lengths - self.least, 0)

    def locate(self, within: Integers, lengths: Integers) -> tuple[Integers, Integers]:
        later = within + self.least
        return np.maximum(later + 1 - self.reach, 0), later + 1

    def resolve(
        self, first: Int[Tensor, " n"], stops: Int[Tensor, " n"], generator: torch.Generator
    ) -> Int[Tensor, " n"]:
        if isinstance(self.lag, int):
            return first
        partners = stops - self.least - first
        chance = torch.rand(len(first), generator=generator, dtype=torch.float64)
        return first + (chance * partners).long()

    def too_short(self, longest: int) -> str:
        lag = self.lag if isinstance(self.lag, int) else f"{self.lag[0]} to {self.lag[1]}"
        return (
            f"pairs with lag {lag} need sequences of at least {self.least + 1} steps, the longest "
            f"has {longest}. Use a smaller lag or capture longer sequences"
        )

    def gather(
        self, buffer: Float[Tensor, "rows d"], first: Int[Tensor, " batch"], stops: Tensor
    ) -> tuple[Tensor, ...]:
        both = torch.stack([first, stops - 1], dim=1).reshape(-1)
        return (buffer.index_select(0, both).float().reshape(-1, 2, buffer.shape[1]),)


@dataclass(frozen=True)
class WindowSamples(SampleKind):
    """Consecutive segments of `length` steps: [batch, length, d] and a mask [batch, length].

    Each sequence of at least `length` steps is cut from its beginning; its last window is filled
    up with zeros where the mask is False. Shorter sequences are left out.
    """

    length: int
    name: ClassVar[str] = "windows"

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ConfigError(f"length is a number of steps, at least 1; {self.length} was given")

    @property
    def stride(self) -> int:
        return self.length

    @property
    def reach(self) -> int:
        return self.length

    def counts(self, lengths: Integers) -> Integers:
        return np.where(lengths >= self.length, -(-lengths // self.length), 0)

    def too_short(self, longest: int) -> str:
        return (
            f"windows of {self.length} steps need sequences of at least that length, the longest "
            f"has {longest}. Use a smaller length or capture longer sequences"
        )

    def gather(
        self, buffer: Float[Tensor, "rows d"], first: Int[Tensor, " batch"], stops: Tensor
    ) -> tuple[Tensor, ...]:
        at = first[:, None] + torch.arange(self.length)
        mask = at < stops[:, None]
        at = torch.where(mask, at, first[:, None]).reshape(-1)
        values = buffer.index_select(0, at).float().reshape(*mask.shape, buffer.shape[1])
        if not bool(mask.all()):
            values[~mask] = 0.0
        return values, mask


class SampleIndex:
    """All samples of one kind in some sequences, numbered in order, and the rows they cover.

    Sequences that are too short for one sample are left out; the rows of the others are numbered
    on end, from 0 to `rows`: the inner numbering.

    Errors: DataError where no sample is left.
    """

    def __init__(self, kind: SampleKind, spans: Spans) -> None:
        counts = kind.counts(spans.lengths)
        kept = counts > 0
        if not kept.any():
            if spans.lengths.sum() == 0:
                raise DataError(f"there are no {kind.name} to sample: the activations are empty")
            raise DataError(f"no {kind.name}: {kind.too_short(int(spans.lengths.max()))}")
        self.kind = kind
        lengths = spans.lengths[kept]
        self._stops = np.cumsum(lengths)  # these and the starts in the inner numbering
        self._starts = self._stops - lengths
        self._shift = spans.starts[kept] - self._starts
        self._ends = np.cumsum(counts[kept])
        self._begins = self._ends - counts[kept]
        self.count = int(self._ends[-1])
        self.rows = int(self._stops[-1])

    def locate(self, samples: Integers) -> tuple[Integers, Integers]:
        """The inner rows where the reach of each sample begins, and where it ends at the latest."""
        sequence = np.searchsorted(self._ends, samples, side="right")
        starts = self._starts[sequence]
        within = samples - self._begins[sequence]
        first, stops = self.kind.locate(within, self._stops[sequence] - starts)
        return starts + first, starts + stops

    def outer(self, begin: int, end: int) -> Integers:
        """The reader's numbers of the inner rows `begin` to `end` (exclusive)."""
        rows = np.arange(begin, end, dtype=np.int64)
        low, high = np.searchsorted(self._stops, [begin, end - 1], side="right")
        if self._shift[low] == self._shift[high]:  # the sequences between lie on end
            rows += self._shift[low]
        else:
            rows += self._shift[np.searchsorted(self._stops, rows, side="right")]
        return rows
