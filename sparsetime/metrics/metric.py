"""What a metric is: figures with a meaning, gathered sequence by sequence."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from sparsetime.codes import SparseCode, concatenate

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.encoding import EncodedSequence
    from sparsetime.statistics.estimate import Estimate


Histogram: TypeAlias = dict[str, list[float] | list[int]]


@dataclass(frozen=True)
class MetricSpec:
    """What a figure says: its definition, the values it can take, and where it comes from."""

    definition: str
    range: str
    source: str


@dataclass(frozen=True)
class MetricValue:
    """A measured value with its meaning.

    value: a number, or a histogram `{"edges": [bins + 1], "counts": [bins]}`. details: what helps
    to judge it, such as the baseline and the 95% interval of a probe.
    """

    value: float | Histogram
    definition: str
    range: str
    source: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """A value on its way to becoming a figure."""

    value: float | Histogram
    details: dict[str, Any] = field(default_factory=dict)


def measured(found: Estimate) -> Measured:
    """A measure over time as a value, with its interval and its null among the details."""
    null = found.null if math.isfinite(found.null) else None
    details = {"interval": found.interval, "null": null, "null_is": found.null_is}
    return Measured(found.value, details)


@dataclass(frozen=True)
class LeftOut:
    """A figure that cannot be given on this data, and why."""

    reason: str


Outcome: TypeAlias = Measured | LeftOut


@dataclass(frozen=True)
class LatentGroup:
    """A range of latents: all of them (`name` empty), the first group, or the rest."""

    name: str
    start: int
    stop: int

    @property
    def width(self) -> int:
        return self.stop - self.start

    def of(self, code: SparseCode) -> SparseCode:
        """The code with the latents of this part only."""
        return code if self.name == "" else code.latents(self.start, self.stop)

    def figure(self, name: str) -> str:
        """The name of a figure taken on this part, such as `fvu`, `fvu/predicted`, `fvu/novel`."""
        return f"{name}/{self.name}" if self.name else name


def latent_groups(sae: Dictionary) -> tuple[LatentGroup, ...]:
    """The whole and, where the groups are several, the first group and the rest by their names.

    Names are those of `Dictionary.group_names`.
    """
    whole = LatentGroup("", 0, sae.width)
    if sae.group_names is None:
        return (whole,)
    end, (first, rest) = sae.groups[0], sae.group_names
    return (whole, LatentGroup(first, 0, end), LatentGroup(rest, end, sae.width))


@dataclass(frozen=True)
class Setting:
    """What metrics are told before the first sequence.

    slow_label, fast_label: the labels that the probes predict; None for the default. seed: of all
    that is drawn at random.
    """

    sae: Dictionary
    slow_label: str | None = None
    fast_label: str | None = None
    seed: int = 0


class Metric(ABC):
    """A family of figures that are gathered together.

    `name` is the family's; `meanings` has one entry a figure. Every figure is also given for the
    parts of a dictionary with nested groups, by their names: `name/high` and `name/low` of a T-SAE.
    """

    name: ClassVar[str]
    specs: ClassVar[Mapping[str, MetricSpec]]

    @abstractmethod
    def __init__(self, setting: Setting) -> None: ...

    @abstractmethod
    def update(self, sequence: EncodedSequence) -> None:
        """Take in the next sequence. Its activations must not be kept."""

    @abstractmethod
    def outcomes(self) -> dict[str, Outcome]:
        """Every figure of the family by its full name, or why it is left out."""


class CodeMetric(Metric):
    """A family whose figures follow from the code of all sequences, part by part."""

    def __init__(self, setting: Setting) -> None:
        self._parts = latent_groups(setting.sae)
        self._seed = setting.seed
        self._codes: list[SparseCode] = []

    def update(self, sequence: EncodedSequence) -> None:
        self._codes.append(sequence.code)

    def outcomes(self) -> dict[str, Outcome]:
        code = concatenate(self._codes)
        lengths = [each.rows for each in self._codes]
        return {
            part.figure(name): outcome
            for part in self._parts
            for name, outcome in self.taken(part.of(code), lengths, self._seed).items()
        }

    @abstractmethod
    def taken(self, code: SparseCode, lengths: list[int], seed: int) -> dict[str, Outcome]:
        """The figures of sequences of these lengths on end; `seed`: of what is drawn at random."""
