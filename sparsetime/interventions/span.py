"""Span: the weight in [0, 1] of an intervention at each step, from what is known there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, final

import numpy as np
from jaxtyping import Float, Int

from sparsetime.errors import ConfigError

#: From the next steps of every sequence to their weights; it keeps what it needs of earlier steps.
SpanReader: TypeAlias = Callable[["Steps"], Float[np.ndarray, "batch time"]]

_ADVICE = {
    "prompt length": (
        "the length of the prompt, which is unknown while the steps of a stream arrive. Generate "
        "or read whole texts, give prompt_length=, or choose a span that looks back, such as "
        "steps(a, b) or while_on(feature)"
    ),
    "tokens": "tokens, which this model does not read. Choose a span of steps or activations",
    "text": "a tokenizer. Give the model as `LoadedModel`, or tokenizer= beside a module",
    "labels": (
        "labels of every step, and steps that are still to come have none. Read texts with "
        "labels=, or choose a span that reads the tokens, such as after(text)"
    ),
    "seconds": "the duration of a step. Give seconds_per_step=",
    "activations": "the activations of a feature. Use it with a dictionary, in st.steer",
}


@final
@dataclass(frozen=True)
class RunFacts:
    """What is known of a run before its first step; None where it is not.

    prompt_lengths: [batch]. decode: from tokens to their text. labels: of each column the values
    of every step, by sequence. activations: whether features can be read.
    """

    batch: int = 1
    prompt_lengths: Int[np.ndarray, " batch"] | None = None
    has_tokens: bool = False
    decode: Callable[[list[int]], str] | None = None
    labels: Mapping[str, Sequence[Sequence[Any]]] | None = None
    seconds_per_step: float | None = None
    activations: bool = False

    def lacks(self, need: str) -> bool:
        """Whether this need of a span is unknown here."""
        return not {
            "prompt length": self.prompt_lengths is not None,
            "tokens": self.has_tokens,
            "text": self.decode is not None,
            "labels": self.labels is not None,
            "seconds": self.seconds_per_step is not None,
            "activations": self.activations,
        }[need]


@final
@dataclass(frozen=True)
class Steps:
    """The next steps of every sequence of a run.

    numbers: [batch, time], from 0; -1 for padding. tokens: [batch, time]. activation: of a feature
    by its number and site (None: the site that is edited), before any edit there, as
    [batch, time].
    """

    numbers: Int[np.ndarray, "batch time"]
    tokens: Int[np.ndarray, "batch time"] | None = None
    activation: Callable[[int, str | None], Float[np.ndarray, "batch time"]] | None = field(
        default=None, repr=False
    )


class Span(ABC):
    """Base class of spans: weights in [0, 1] by step, each a function of the steps up to it.

    Because no weight reads a later step, a whole pass, a pass in pieces, generation with a cache
    and a stream have the same weights. Spans combine: `a | b` is the larger weight, `a & b` the
    smaller, `~a` is 1 - a. `rising` and `falling` turn jumps into ramps.
    """

    @property
    def needs(self) -> frozenset[str]:
        """What must be known besides the number of a step; see `RunFacts.lacks`."""
        return frozenset()

    @property
    def features(self) -> frozenset[tuple[int, str | None]]:
        """Features that are read, each with its site; None for the site that is edited."""
        return frozenset()

    @abstractmethod
    def begin(self, facts: RunFacts) -> SpanReader:
        """A reader for sequences from their first step on."""

    def check(self, facts: RunFacts) -> None:
        """Errors: ConfigError for the first need that is unknown in this run."""
        for need in sorted(self.needs):
            if facts.lacks(need):
                raise ConfigError(f"got the span {self}, which needs {_ADVICE[need]}")

    def rising(self, steps: int) -> Span:
        """The same span, whose weight rises by at most 1 / (steps + 1) a step.

        w_t = min(s_t, w_{t-1} + 1 / (steps + 1)),  w_{-1} = 0
        """
        return Ramp(self, rise=_checked(steps))

    def falling(self, steps: int) -> Span:
        """The same span, whose weight falls by at most 1 / (steps + 1) a step, behind its end.

        w_t = max(s_t, w_{t-1} - 1 / (steps + 1)),  w_{-1} = 0
        """
        return Ramp(self, fall=_checked(steps))

    def __or__(self, other: Span) -> Span:
        return Combined("|", self, other)

    def __and__(self, other: Span) -> Span:
        return Combined("&", self, other)

    def __invert__(self) -> Span:
        return Complement(self)


@final
@dataclass(frozen=True, eq=False)
class Combined(Span):
    """The larger weight of two spans (`|`), or the smaller (`&`)."""

    sign: str
    first: Span
    second: Span

    @property
    def needs(self) -> frozenset[str]:
        return self.first.needs | self.second.needs

    @property
    def features(self) -> frozenset[tuple[int, str | None]]:
        return self.first.features | self.second.features

    def begin(self, facts: RunFacts) -> SpanReader:
        first, second = self.first.begin(facts), self.second.begin(facts)
        combine = np.maximum if self.sign == "|" else np.minimum
        return lambda steps: combine(first(steps), second(steps))

    def __str__(self) -> str:
        return f"({self.first} {self.sign} {self.second})"


@final
@dataclass(frozen=True, eq=False)
class Complement(Span):
    """1 less the weight of a span."""

    inner: Span

    @property
    def needs(self) -> frozenset[str]:
        return self.inner.needs

    @property
    def features(self) -> frozenset[tuple[int, str | None]]:
        return self.inner.features

    def begin(self, facts: RunFacts) -> SpanReader:
        inner = self.inner.begin(facts)
        return lambda steps: 1.0 - inner(steps)

    def __str__(self) -> str:
        return f"~{self.inner}"


@final
@dataclass(frozen=True, eq=False)
class Ramp(Span):
    """A span whose weight rises and falls by at most a share a step; 0 steps jump."""

    inner: Span
    rise: int = 0
    fall: int = 0

    @property
    def needs(self) -> frozenset[str]:
        return self.inner.needs

    @property
    def features(self) -> frozenset[tuple[int, str | None]]:
        return self.inner.features

    def begin(self, facts: RunFacts) -> SpanReader:
        inner = self.inner.begin(facts)
        last = np.zeros(facts.batch)
        up, down = 1 / (self.rise + 1), 1 / (self.fall + 1)

        def weights(steps: Steps) -> Float[np.ndarray, "batch time"]:
            nonlocal last
            wanted = inner(steps)
            out = np.empty_like(wanted)
            for at in range(wanted.shape[1]):
                moved = np.clip(wanted[:, at], last - down, last + up)
                last = np.where(steps.numbers[:, at] < 0, last, moved)
                out[:, at] = last
            return out

        return weights

    def __str__(self) -> str:
        ramps = [("rising", self.rise), ("falling", self.fall)]
        return f"{self.inner}" + "".join(f".{name}({n})" for name, n in ramps if n)


def _checked(steps: int) -> int:
    """Errors: ConfigError for a ramp of no steps."""
    if steps < 1:
        raise ConfigError(f"got a ramp of {steps} steps, expected at least 1")
    return steps
