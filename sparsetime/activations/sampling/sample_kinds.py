"""Kinds of training samples: single rows, pairs of rows at a lag, and windows of time steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from sparsetime.errors import ConfigError

Integers = NDArray[np.int64]

#: Steps between the two rows of a pair: one number, or the least and the most of a random one.
Lag: TypeAlias = int | tuple[int, int]


class SampleKind(ABC):
    """A kind of sample. The samples of one sequence begin every `stride` rows."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def stride(self) -> int: ...

    @property
    @abstractmethod
    def reach(self) -> int:
        """Rows that a sample covers; fewer where its sequence ends before."""

    @abstractmethod
    def counts(self, lengths: Integers) -> Integers:
        """Samples in sequences of the given lengths; 0 where a sequence is too short."""

    @abstractmethod
    def too_short(self, longest: int) -> str:
        """The error message where no sequence is long enough."""

    def locate(self, within: Integers, lengths: Integers) -> tuple[Integers, Integers]:
        """First row that each sample may read, and one past the last, counted in its sequence.

        within: the number of each sample in its sequence; lengths: rows of that sequence.
        """
        return within * self.stride, lengths

    def resolve(
        self, first: Int[Tensor, " n"], stops: Int[Tensor, " n"], generator: torch.Generator
    ) -> Int[Tensor, " n"]:
        """The first row of every sample. Kinds with a random part draw it from `generator`."""
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

    lag: steps from the partner to the row. Two numbers are the least and the most: the partner is
    drawn uniformly from the rows between, again in every epoch.
    """

    lag: Lag
    name: ClassVar[str] = "pairs"
    stride: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if isinstance(self.lag, int):
            if self.lag < 1:
                raise ConfigError(f"got lag={self.lag}, expected a number of steps of at least 1")
        elif len(self.lag) != 2 or not 1 <= self.lag[0] <= self.lag[1]:
            raise ConfigError(
                f"got lag={self.lag}, expected a number of steps, or the least and the most, such "
                "as (1, 256), with the least at least 1"
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
        # The sample is numbered by its later row, whose partners begin `reach - 1` rows before it,
        # or where the sequence begins: so early rows choose among fewer partners.
        later = within + self.least
        return np.maximum(later + 1 - self.reach, 0), later + 1

    def resolve(
        self, first: Int[Tensor, " n"], stops: Int[Tensor, " n"], generator: torch.Generator
    ) -> Int[Tensor, " n"]:
        if isinstance(self.lag, int):
            return first
        partners = stops - self.least - first
        # float64: a float32 fraction times many partners would never reach some of them.
        fraction = torch.rand(len(first), generator=generator, dtype=torch.float64)
        return first + (fraction * partners).long()

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
    """Windows of `length` consecutive steps: [batch, length, d] and a mask [batch, length].

    Each sequence of at least `length` steps is cut from its first row. Its last window is padded
    with zeros, where the mask is False. Shorter sequences are left out.
    """

    length: int
    name: ClassVar[str] = "windows"

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ConfigError(f"got length={self.length}, expected a number of steps of at least 1")

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
        rows = first[:, None] + torch.arange(self.length)
        mask = rows < stops[:, None]
        # A padded step reads its window's first row, which is always in the buffer, and is zeroed.
        rows = torch.where(mask, rows, first[:, None]).reshape(-1)
        values = buffer.index_select(0, rows).float().reshape(*mask.shape, buffer.shape[1])
        if not bool(mask.all()):
            values[~mask] = 0.0
        return values, mask
