"""Rule by which values of several seeds make a claim hold, fail or stay undecided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal, TypeAlias, final

from sparsetime.claims.verdicts.expectations import Expectation, Values
from sparsetime.errors import DataError

Verdict: TypeAlias = Literal["holds", "fails", "undecided"]
FEWEST_SEEDS = 3
_EXCEPTIONS = 5  # one seed in five may disagree, so none of three or four


@final
@dataclass(frozen=True)
class Judgement:
    """One expectation over the seeds.

    margins: of every seed, positive where the expectation is met. mean, error: mean of the margins,
    and its standard error.
    """

    expectation: str
    margins: tuple[float, ...]
    mean: float
    error: float
    verdict: Verdict


def judge(expectation: Expectation, seeds: Sequence[Values]) -> Judgement:
    """Judges one expectation over the values of all seeds.

    Each seed gives a margin m_s between values of that seed, so that effects of the seed cancel.
    With e the standard error of the mean margin over n seeds:

    holds:     m_s > e for at least n - floor(n / 5) seeds (>= where equality is allowed)
    fails:     -m_s > e for as many seeds (>= where equality is not allowed)
    undecided: neither

    Errors: DataError for fewer than three seeds, or a margin that is not finite; UnknownNameError
    for a name that the values lack.
    """
    if len(seeds) < FEWEST_SEEDS:
        raise DataError(
            f"got values of {len(seeds)} seeds, expected at least {FEWEST_SEEDS} seeds; run more"
        )
    margins = tuple(expectation.margin(values) for values in seeds)
    if not all(map(math.isfinite, margins)):
        raise DataError(
            f"the margins of {str(expectation)!r} are {list(margins)}: every value must be a "
            "finite number in every seed. Did a training diverge?"
        )
    error = stdev(margins) / math.sqrt(len(margins))
    enough = len(margins) - len(margins) // _EXCEPTIONS
    if sum(_met(margin, error, expectation.strict) for margin in margins) >= enough:
        verdict: Verdict = "holds"
    elif sum(_met(-margin, error, not expectation.strict) for margin in margins) >= enough:
        verdict = "fails"
    else:
        verdict = "undecided"
    return Judgement(str(expectation), margins, fmean(margins), error, verdict)


def combine_verdicts(judgements: Sequence[Judgement]) -> Verdict:
    """Verdict of a claim: it holds when all expectations hold, and fails when one fails."""
    verdicts = {judgement.verdict for judgement in judgements}
    if "fails" in verdicts:
        return "fails"
    return "undecided" if "undecided" in verdicts else "holds"


def _met(margin: float, error: float, strict: bool) -> bool:
    return margin > error if strict else margin >= error
