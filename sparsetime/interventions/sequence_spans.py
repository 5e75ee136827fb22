"""Spans that begin at another step in each sequence of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from sparsetime.errors import MismatchError
from sparsetime.interventions.span import RunFacts, Span, SpanReader, Steps


@final
@dataclass(frozen=True, eq=False)
class FromSteps(Span):
    """Steps begins[i] to begins[i] + length (exclusive; None: without end) of sequence i."""

    begins: Int[np.ndarray, " batch"]
    length: int | None = None

    def begin(self, facts: RunFacts) -> SpanReader:
        """Errors: MismatchError for another number of sequences."""
        if len(self.begins) != facts.batch:
            raise MismatchError(
                f"got first steps of {len(self.begins)} sequences in a run of {facts.batch}, "
                "expected one for each"
            )
        first = self.begins[:, None]

        def weights(steps: Steps) -> Float[np.ndarray, "batch time"]:
            inside = (steps.numbers >= 0) & (steps.numbers >= first)
            if self.length is not None:
                inside &= steps.numbers < first + self.length
            return inside.astype(float)

        return weights

    def __str__(self) -> str:
        return f"from_steps({self.begins.tolist()}, {self.length})"
