"""How the code moves: roughly or smoothly, at which frequencies, by position, and back again."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, final

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.metrics.metric import (
    CodeMetric,
    LeftOut,
    MetricSpec,
    Outcome,
    measured,
)
from sparsetime.metrics.temporal.position import position
from sparsetime.metrics.temporal.recurrence import recurrence
from sparsetime.metrics.temporal.spectrum import spectrum
from sparsetime.statistics.estimate import Estimate


@final
class OverTime(CodeMetric):
    """Roughness, spectrum, position and recurrence of the code, all features together.

    Each is a measure of `evaluation.time` with its own settings left as they are; see there for
    definitions and nulls. The details give the interval over sequences and the null.
    """

    name: ClassVar = "over_time"
    specs: ClassVar = {
        "roughness": MetricSpec(
            "mean squared difference of neighbouring steps over the variance, summed over features",
            "0 (nothing changes) by 2 (steps do not depend on each other) to 4",
            "von Neumann 1941, Distribution of the ratio of the mean square successive difference "
            "to the variance",
        ),
        "frequency": MetricSpec(
            "mean frequency of the code in cycles a step, weighed by its power at each",
            "0 (slow) by 0.25 (steps do not depend on each other) to 0.5",
            "Blackman and Tukey 1958, The measurement of power spectra",
        ),
        "position_explained": MetricSpec(
            "share of the code's variance that the octave of the position in a sequence predicts "
            "in sequences that it was not taken from",
            "about 0 (nothing) to 1",
            "the correlation ratio (Pearson 1905), cross-validated over sequences",
        ),
        "recurrence": MetricSpec(
            "share of runs after which the feature is on again within 32 steps, over the runs that "
            "end at least so long before their sequence",
            "0 to 1",
            "Kac 1947, On the notion of recurrence in discrete stochastic processes",
        ),
    }

    def taken(self, code: SparseCode, lengths: list[int], seed: int) -> dict[str, Outcome]:
        moves: dict[str, Outcome]
        try:
            waves = spectrum(code, lengths, seed=seed)
            moves = {"roughness": measured(waves.roughness), "frequency": measured(waves.centre)}
        except DataError as error:
            moves = dict.fromkeys(("roughness", "frequency"), LeftOut(str(error)))
        return moves | {
            "position_explained": _or_why(lambda: position(code, lengths, seed).explained),
            "recurrence": _or_why(lambda: recurrence(code, lengths, seed=seed).share),
        }


def _or_why(take: Callable[[], Estimate]) -> Outcome:
    """The measure, or what its error says of this data."""
    try:
        return measured(take())
    except DataError as error:
        return LeftOut(str(error))
