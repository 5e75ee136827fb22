"""What can be expected of figures: each is a margin, above zero where the expectation is met."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, final

from sparsetime.errors import ConfigError, unknown_name

Figures: TypeAlias = Mapping[str, float]
#: A number, or the name of another figure.
Bound: TypeAlias = float | str


class Expectation(ABC):
    """A statement about the figures of one seed."""

    #: Whether a margin of exactly zero falls short.
    strict: bool

    @abstractmethod
    def margin(self, figures: Figures) -> float:
        """By how much it is met for one seed; below zero, how much is lacking.

        Errors: UnknownNameError where there is no figure of a name that it uses.
        """

    @abstractmethod
    def __str__(self) -> str: ...


@final
@dataclass(frozen=True)
class Less(Expectation):
    """The figure is smaller than `times` the bound, and not equal to it."""

    figure: str
    than: Bound = field(kw_only=True)
    times: float = field(default=1.0, kw_only=True)
    strict = True

    def margin(self, figures: Figures) -> float:
        return self.times * _value(self.than, figures) - _value(self.figure, figures)

    def __str__(self) -> str:
        return f"{self.figure} < {_bound(self.than, self.times)}"


@final
@dataclass(frozen=True)
class AtMost(Expectation):
    """The figure is at most `times` the bound."""

    figure: str
    than: Bound = field(kw_only=True)
    times: float = field(default=1.0, kw_only=True)
    strict = False

    def margin(self, figures: Figures) -> float:
        return self.times * _value(self.than, figures) - _value(self.figure, figures)

    def __str__(self) -> str:
        return f"{self.figure} ≤ {_bound(self.than, self.times)}"


@final
@dataclass(frozen=True)
class AtLeast(Expectation):
    """The figure is at least `times` the bound."""

    figure: str
    than: Bound = field(kw_only=True)
    times: float = field(default=1.0, kw_only=True)
    strict = False

    def margin(self, figures: Figures) -> float:
        return _value(self.figure, figures) - self.times * _value(self.than, figures)

    def __str__(self) -> str:
        return f"{self.figure} ≥ {_bound(self.than, self.times)}"


@final
@dataclass(frozen=True)
class Within(Expectation):
    """The figure differs from the bound by at most `tolerance` times the bound's size."""

    figure: str
    of: Bound = field(kw_only=True)
    tolerance: float = field(kw_only=True)
    strict = False

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise ConfigError(
                f"a relative tolerance is between 0 and 1; {self.tolerance} was given. Write 0.05 "
                "for five hundredths"
            )

    def margin(self, figures: Figures) -> float:
        bound = _value(self.of, figures)
        return self.tolerance * abs(bound) - abs(_value(self.figure, figures) - bound)

    def __str__(self) -> str:
        return f"{self.figure} = {_bound(self.of, 1.0)} ± {self.tolerance:.0%}"


def _value(bound: Bound, figures: Figures) -> float:
    if not isinstance(bound, str):
        return float(bound)
    if bound not in figures:
        raise unknown_name(
            "figure", bound, figures, "An expectation names figures that the check returns."
        )
    return figures[bound]


def _bound(bound: Bound, times: float) -> str:
    text = bound if isinstance(bound, str) else f"{bound:g}"
    return text if times == 1 else f"{times:g} x {text}"
