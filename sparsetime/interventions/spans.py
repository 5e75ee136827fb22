"""Spans of an intervention: `st.spans.steps`, `prompt`, `generated`, `after`, and `while_on`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float

from sparsetime.errors import ConfigError, DataError, unknown_name
from sparsetime.interventions.sequence_spans import FromSteps
from sparsetime.interventions.span import RunFacts, Span, SpanReader, Steps
from sparsetime.interventions.text_spans import Between

__all__ = [
    "after",
    "from_steps",
    "generated",
    "last",
    "prompt",
    "role",
    "seconds",
    "steps",
    "where",
    "while_on",
]


def steps(begin: int = 0, end: int | None = None) -> Span:
    """Steps `begin` to `end` (exclusive; None: without end) of a sequence, counted from 0.

    Errors: ConfigError where no step lies between.
    """
    if begin < 0 or (end is not None and end <= begin):
        raise ConfigError(f"got steps({begin}, {end}), expected 0 <= begin < end")
    return Range(begin, math.inf if end is None else end)


def from_steps(begins: Sequence[int], length: int | None = None) -> Span:
    """Of sequence i of a batch the `length` steps from begins[i] on; None for all of them."""
    return FromSteps(np.asarray(begins, dtype=np.int64), length)


def seconds(begin: float = 0.0, end: float | None = None) -> Span:
    """Steps whose time in seconds, number times duration, lies from `begin` to `end` (exclusive).

    Errors: ConfigError where no time lies between.
    """
    if begin < 0 or (end is not None and end <= begin):
        raise ConfigError(f"got seconds({begin}, {end}), expected 0 <= begin < end")
    return Range(begin, math.inf if end is None else end, "seconds")


def prompt() -> Span:
    """The steps of the prompt. Of a text that is only read, all steps are prompt."""
    return OfPrompt("prompt")


def generated() -> Span:
    """The steps behind the prompt: those that read a generated token.

    The first generated token is predicted at the last step of the prompt, so it is not affected;
    `generated() | last(1)` affects it too.
    """
    return OfPrompt("generated")


def last(count: int) -> Span:
    """The last `count` steps of the prompt. Errors: ConfigError below 1."""
    if count < 1:
        raise ConfigError(f"got last({count}), expected at least 1 step")
    return OfPrompt("last", count)


def after(text: str) -> Span:
    """The steps behind the first occurrence of a text, from the step after the one that ends it.

    Errors: ConfigError for no text.
    """
    return Between(text, None)


def role(name: str, begin: str = "<|im_start|>{role}\n", end: str = "<|im_end|>") -> Span:
    """The steps of one role of a chat, such as `role("assistant")`.

    begin, end: the texts around a message; by default those of ChatML. The step that ends the
    message is not part of it.
    """
    return Between(begin.format(role=name), end)


def where(**labels: Any) -> Span:
    """Steps whose labels have these values, as in `where(kind="string")`; all must hold.

    A value is compared for equality; a set, list or tuple holds alternatives; a function is called
    with the label. Errors: ConfigError for no label.
    """
    if not labels:
        raise ConfigError('got no label, expected one such as where(kind="string")')
    return WithLabels(tuple(labels.items()))


def while_on(
    feature: int, above: float = 0.0, hold: int = 0, delay: int = 0, site: str | None = None
) -> Span:
    """Steps on which a feature's activation is over `above`: a closed loop.

    The activation is read before any edit at its site. hold: steps for which the weight stays 1
    behind the last such step; delay: steps by which everything is later. site: of the feature,
    where it is another one than the edited site; it must come earlier in the forward pass.

        w_t = 1 if a_s > above for some s in [t - delay - hold, t - delay], else 0

    Errors: ConfigError for a negative feature, hold or delay.
    """
    if feature < 0 or hold < 0 or delay < 0:
        raise ConfigError(
            f"got feature={feature}, hold={hold} and delay={delay}, expected numbers from 0 on"
        )
    return WhileOn(feature, above, hold, delay, site)


@final
@dataclass(frozen=True, eq=False)
class Range(Span):
    """Steps, or seconds, from `begin` to `end` (exclusive)."""

    begin_at: float
    end_at: float
    unit: str = "steps"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"seconds"}) if self.unit == "seconds" else frozenset()

    def begin(self, facts: RunFacts) -> SpanReader:
        size = (facts.seconds_per_step or 0.0) if self.unit == "seconds" else 1.0

        def weights(steps: Steps) -> Float[np.ndarray, "batch time"]:
            at = steps.numbers if size == 1 else steps.numbers * size
            inside = (steps.numbers >= 0) & (at >= self.begin_at)
            if not math.isinf(self.end_at):
                inside &= at < self.end_at
            return inside.astype(float)

        return weights

    def __str__(self) -> str:
        end = "" if math.isinf(self.end_at) else f", {self.end_at:g}"
        return f"{self.unit}({self.begin_at:g}{end})"


@final
@dataclass(frozen=True, eq=False)
class OfPrompt(Span):
    """The steps of the prompt, those behind it, or its last ones."""

    part: str
    count: int = 0

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"prompt length"})

    def begin(self, facts: RunFacts) -> SpanReader:
        assert facts.prompt_lengths is not None  # checked
        length = facts.prompt_lengths[:, None]

        def weights(steps: Steps) -> Float[np.ndarray, "batch time"]:
            at = steps.numbers
            if self.part == "generated":
                return (at >= length).astype(float)
            first = length - self.count if self.part == "last" else 0
            return ((at >= 0) & (at >= first) & (at < length)).astype(float)

        return weights

    def __str__(self) -> str:
        return f"{self.part}({self.count or ''})"


@final
@dataclass(frozen=True, eq=False)
class WithLabels(Span):
    """Steps whose labels have given values."""

    labels: tuple[tuple[str, Any], ...]

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"labels"})

    def begin(self, facts: RunFacts) -> SpanReader:
        """Errors: UnknownNameError for a label that is not given."""
        columns = facts.labels or {}
        holds: list[Bool[np.ndarray, " time"]] = []
        for name, _ in self.labels:
            if name not in columns:
                raise unknown_name("label", name, columns)
        for row in range(facts.batch):
            tests = [[_holds(v, wanted) for v in columns[n][row]] for n, wanted in self.labels]
            holds.append(np.all(np.array(tests, dtype=bool), axis=0))

        def weights(steps: Steps) -> Float[np.ndarray, "batch time"]:
            out = np.zeros(steps.numbers.shape)
            for row, numbers in enumerate(steps.numbers):
                if numbers.max(initial=-1) >= len(holds[row]):
                    raise DataError(
                        f"got labels of {len(holds[row])} steps for a sequence of at least "
                        f"{numbers.max() + 1}; give a label for each token, special ones included"
                    )
                real = numbers >= 0
                out[row, real] = holds[row][numbers[real]]
            return out

        return weights

    def __str__(self) -> str:
        return f"where({', '.join(f'{name}={value!r}' for name, value in self.labels)})"


@final
@dataclass(frozen=True, eq=False)
class WhileOn(Span):
    """Steps on which a feature is over a threshold, held and delayed."""

    feature: int
    above: float
    hold: int
    delay: int
    site: str | None

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"activations"})

    @property
    def features(self) -> frozenset[tuple[int, str | None]]:
        return frozenset({(self.feature, self.site)})

    def begin(self, facts: RunFacts) -> SpanReader:
        reach = self.hold + self.delay
        earlier = [np.zeros(reach, dtype=bool) for _ in range(facts.batch)]

        def weights(steps: Steps) -> Float[np.ndarray, "batch time"]:
            assert steps.activation is not None  # checked
            over = steps.activation(self.feature, self.site) > self.above
            out = np.zeros(over.shape)
            for row, numbers in enumerate(steps.numbers):
                real = numbers >= 0
                seen = np.concatenate([earlier[row], over[row, real]])
                counts = np.concatenate([[0], seen.cumsum()])
                at = np.arange(reach, len(seen))
                out[row, real] = counts[at - self.delay + 1] > counts[at - reach]
                earlier[row] = seen[len(seen) - reach :]
            return out

        return weights

    def __str__(self) -> str:
        return f"while_on({self.feature}, above={self.above:g})"


def _holds(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Callable):  # type: ignore[arg-type]
        return bool(wanted(value))
    return (
        value in wanted if isinstance(wanted, set | frozenset | list | tuple) else value == wanted
    )
