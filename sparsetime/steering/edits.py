"""Edits of activation values of features: add, set, scale, floor, cap, ablate, swap."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self, TypeAlias, final

import numpy as np
from jaxtyping import Float

from sparsetime.errors import ConfigError
from sparsetime.interventions.span import Span

__all__ = ["ablate", "add", "cap", "floor", "scale", "set", "swap"]

#: Activation values of a feature at the steps of a pass.
Values: TypeAlias = Float[np.ndarray, "batch time"]


@dataclass(frozen=True, kw_only=True)
class Edit(ABC):
    """Base class of edits: a new activation value of a feature, from its value and a strength.

    span: the steps of this edit alone; None takes that of the run.
    """

    #: Whether the new value depends on the old one by more than a sum, so that it must be read.
    reads: ClassVar[bool] = True
    #: Whether the strength has the unit of an activation.
    has_unit: ClassVar[bool] = True
    strength: float = 0.0
    span: Span | None = None

    def over(self, span: Span) -> Self:
        """The same edit over a span of its own."""
        return replace(self, span=span)

    @abstractmethod
    def changed(self, value: Values, strength: float) -> Values:
        """The new values; strength: in units of the activation."""


@final
@dataclass(frozen=True, kw_only=True)
class Add(Edit):
    """Adds to the activation: a' = a + s."""

    reads: ClassVar[bool] = False

    def changed(self, value: Values, strength: float) -> Values:
        return value + strength


@final
@dataclass(frozen=True, kw_only=True)
class Set(Edit):
    """Sets the activation: a' = s."""

    def changed(self, value: Values, strength: float) -> Values:
        return np.full_like(value, strength)


@final
@dataclass(frozen=True, kw_only=True)
class Scale(Edit):
    """Multiplies the activation: a' = s a."""

    has_unit: ClassVar[bool] = False

    def changed(self, value: Values, strength: float) -> Values:
        return value * strength


@final
@dataclass(frozen=True, kw_only=True)
class Floor(Edit):
    """Raises the activation to at least s: a' = max(a, s)."""

    def changed(self, value: Values, strength: float) -> Values:
        return np.asarray(np.maximum(value, strength))


@final
@dataclass(frozen=True, kw_only=True)
class Cap(Edit):
    """Limits the activation to at most s: a' = min(a, s)."""

    def changed(self, value: Values, strength: float) -> Values:
        return np.asarray(np.minimum(value, strength))


@final
@dataclass(frozen=True, kw_only=True)
class Ablate(Edit):
    """Puts 0, the mean over a sample, or the value at a random step of it, in place of a."""

    has_unit: ClassVar[bool] = False
    by: str = "zero"

    def __post_init__(self) -> None:
        if self.by not in ("zero", "mean", "resample"):
            raise ConfigError(f"got by={self.by!r}, expected 'zero', 'mean' or 'resample'")

    def changed(self, value: Values, strength: float) -> Values:
        return np.full_like(value, strength)


@final
@dataclass(frozen=True, kw_only=True)
class Swap(Edit):
    """Exchanges two activations: a'_i = a_j and a'_j = a_i, for this feature i and j = `other`."""

    has_unit: ClassVar[bool] = False
    other: int = 0

    def changed(self, value: Values, strength: float) -> Values:
        return value


def add(strength: float) -> Edit:
    """Add to the activation: a' = a + s."""
    return Add(strength=strength)


def set(strength: float) -> Edit:  # noqa: A001
    """Set the activation: a' = s."""
    return Set(strength=strength)


def scale(factor: float) -> Edit:
    """Multiply the activation: a' = factor a. It leaves a feature that does not fire at 0."""
    return Scale(strength=factor)


def floor(strength: float) -> Edit:
    """Raise the activation to at least s: a' = max(a, s)."""
    return Floor(strength=strength)


def cap(strength: float) -> Edit:
    """Limit the activation to at most s: a' = min(a, s)."""
    return Cap(strength=strength)


def ablate(by: str = "zero") -> Edit:
    """Remove the activation: 0, its mean over a sample, or its value at a random step of it.

    by: "zero", "mean" or "resample"; the last two need `data=` in `st.steer`.
    """
    return Ablate(by=by)


def swap(other: int) -> Edit:
    """Exchange the activations of this feature and another one."""
    return Swap(other=other)
