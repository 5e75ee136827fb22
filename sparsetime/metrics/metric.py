"""A metric: its specification, and the function that computes it from an evaluation's data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias, final

from sparsetime.metrics.evaluation_data import EvaluationData, Gather
from sparsetime.statistics.estimate import Estimate

Histogram: TypeAlias = dict[str, list[float] | list[int]]
#: Units that a store's time turns into another one: seconds, Hz, per second.
STEPS = "steps"
CYCLES = "cycles a step"
PER_STEP = "per step"


@final
@dataclass(frozen=True)
class MetricSpec:
    """The specification of a metric.

    name: as `st.evaluate` takes it. equation: in ASCII. range: the values it can take, with the
    unit. source: paper or textbook. blind_to: what the value does not show. unit: STEPS, CYCLES
    or PER_STEP where the value, or the edges of a histogram, are in that unit.
    """

    name: str
    definition: str
    equation: str
    range: str
    source: str
    blind_to: str
    unit: str = ""


@final
@dataclass(frozen=True)
class MetricValue:
    """The value of a metric, with its specification.

    value: a number, or a histogram `{"edges": [bins + 1], "counts": [bins]}`. details: the 95%
    interval, the null and how it was made, and what else helps to judge the value.
    """

    value: float | Histogram
    definition: str
    range: str
    source: str
    details: dict[str, Any] = field(default_factory=dict)
    equation: str = ""
    blind_to: str = ""
    unit: str = ""

    @staticmethod
    def of(spec: MetricSpec, result: Estimate | Histogram) -> MetricValue:
        """The result of a metric's function, with the metric's specification."""
        return MetricValue(
            result.value if isinstance(result, Estimate) else result,
            spec.definition,
            spec.range,
            spec.source,
            _details(result) if isinstance(result, Estimate) else {},
            spec.equation,
            spec.blind_to,
            spec.unit,
        )


@final
@dataclass(frozen=True)
class Metric:
    """A metric of `st.evaluate`.

    compute: from the data of one group of latents to the estimate; it raises DataError with the
    reason where the data do not allow the metric. gathers: what it reads beside the codes.
    """

    spec: MetricSpec
    compute: Callable[[EvaluationData], Estimate | Histogram]
    gathers: tuple[type[Gather], ...] = ()
    is_fitted: bool = False

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.spec.name


def _details(result: Estimate) -> dict[str, Any]:
    details: dict[str, Any] = {"interval": result.interval}
    if result.null_is:
        finite = math.isfinite(result.null)
        details |= {"null": result.null if finite else None, "null_is": result.null_is}
    return details | dict(result.details)
