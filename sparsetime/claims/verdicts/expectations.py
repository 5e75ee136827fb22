"""Expectations of a claim: inequalities between values of one seed, each with a margin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, final

from sparsetime.errors import ConfigError, unknown_name

Values: TypeAlias = Mapping[str, float]
#: A number, or the name of another value.
Bound: TypeAlias = float | str


class Expectation(ABC):
    """Inequality between values of one seed."""

    #: Whether a margin of exactly zero does not meet the expectation.
    strict: bool

    @abstractmethod
    def margin(self, values: Values) -> float:
        """Distance to the bound for one seed: positive where the expectation is met.

        Errors: UnknownNameError for a name that `values` lacks.
        """

    @abstractmethod
    def __str__(self) -> str: ...


@final
@dataclass(frozen=True)
class Less(Expectation):
    """value < times * bound. margin = times * bound - value."""

    name: str
    than: Bound = field(kw_only=True)
    times: float = field(default=1.0, kw_only=True)
    strict = True

    def margin(self, values: Values) -> float:
        return self.times * _value(self.than, values) - _value(self.name, values)

    def __str__(self) -> str:
        return f"{self.name} < {_bound(self.than, self.times)}"


@final
@dataclass(frozen=True)
class AtMost(Expectation):
    """value <= times * bound. margin = times * bound - value."""

    name: str
    than: Bound = field(kw_only=True)
    times: float = field(default=1.0, kw_only=True)
    strict = False

    def margin(self, values: Values) -> float:
        return self.times * _value(self.than, values) - _value(self.name, values)

    def __str__(self) -> str:
        return f"{self.name} ≤ {_bound(self.than, self.times)}"


@final
@dataclass(frozen=True)
class AtLeast(Expectation):
    """value >= times * bound. margin = value - times * bound."""

    name: str
    than: Bound = field(kw_only=True)
    times: float = field(default=1.0, kw_only=True)
    strict = False

    def margin(self, values: Values) -> float:
        return _value(self.name, values) - self.times * _value(self.than, values)

    def __str__(self) -> str:
        return f"{self.name} ≥ {_bound(self.than, self.times)}"


@final
@dataclass(frozen=True)
class Within(Expectation):
    """|value - bound| <= tolerance * |bound|. margin = tolerance * |bound| - |value - bound|."""

    name: str
    of: Bound = field(kw_only=True)
    tolerance: float = field(kw_only=True)
    strict = False

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise ConfigError(
                f"got a relative tolerance of {self.tolerance}, expected a number between 0 and 1; "
                "write 0.05 for 5%"
            )

    def margin(self, values: Values) -> float:
        bound = _value(self.of, values)
        return self.tolerance * abs(bound) - abs(_value(self.name, values) - bound)

    def __str__(self) -> str:
        return f"{self.name} = {_bound(self.of, 1.0)} ± {self.tolerance:.0%}"


def _value(bound: Bound, values: Values) -> float:
    if not isinstance(bound, str):
        return float(bound)
    if bound not in values:
        raise unknown_name("value", bound, values, "Use a name of a value that the check returns.")
    return values[bound]


def _bound(bound: Bound, times: float) -> str:
    text = bound if isinstance(bound, str) else f"{bound:g}"
    return text if times == 1 else f"{times:g} x {text}"
