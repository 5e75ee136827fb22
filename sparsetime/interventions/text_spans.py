"""Spans that begin behind a text, and may end at another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from sparsetime.errors import ConfigError
from sparsetime.interventions.span import RunFacts, Span, SpanReader, Steps


@final
@dataclass(frozen=True, eq=False)
class Between(Span):
    """Steps behind the text `opening`, up to the step that completes the text `closing`.

    closing: None where nothing ends the span. After it the span may begin again.

    Errors: ConfigError for an empty text.
    """

    opening: str
    closing: str | None

    def __post_init__(self) -> None:
        if not self.opening or self.closing == "":
            raise ConfigError('got an empty text, expected one such as after("Answer:")')

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"tokens", "text"})

    def begin(self, facts: RunFacts) -> SpanReader:
        assert facts.decode is not None  # checked
        rows = [_Row(self, facts.decode) for _ in range(facts.batch)]

        def weights(steps: Steps) -> Float[np.ndarray, "batch time"]:
            assert steps.tokens is not None  # checked
            out = np.zeros(steps.numbers.shape)
            for row, reader in enumerate(rows):
                for at in np.flatnonzero(steps.numbers[row] >= 0):
                    out[row, at] = reader.weight(int(steps.tokens[row, at]))
            return out

        return weights

    def __str__(self) -> str:
        end = "" if self.closing is None else f" until {self.closing!r}"
        return f"after({self.opening!r}{end})"


class _Row:
    """One sequence: whether the span is open, and the tokens that may be part of a text."""

    def __init__(self, span: Between, decode: Callable[[list[int]], str]) -> None:
        self._span, self._decode = span, decode
        self._tokens: list[int] = []
        self._open = False

    def weight(self, token: int) -> float:
        span = self._span
        if self._open and span.closing is None:
            return 1.0
        awaited = span.opening if not self._open else span.closing
        assert awaited is not None
        # A token has at least one byte, so a text that this token completes is in the last ones.
        self._tokens = [*self._tokens, token][-len(awaited.encode()) - 1 :]
        completes = awaited in self._decode(self._tokens)
        was_open = self._open
        if completes:
            self._open, self._tokens = not self._open, []
        return 1.0 if was_open and not completes else 0.0
