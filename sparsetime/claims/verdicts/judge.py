"""The rule that turns values of several seeds into holds, fails or undecided."""

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
_EXCEPTIONS = 5  # one seed in so many may disagree, so none of three or four


@final
@dataclass(frozen=True)
class Judgement:
    """One expectation over the seeds.

    margins: for every seed, by how much the expectation is met; below zero, what is lacking.
    mean, error: of the margins, and the standard error of that mean.
    """

    expectation: str
    margins: tuple[float, ...]
    mean: float
    error: float
    verdict: Verdict


def judge(expectation: Expectation, seeds: Sequence[Values]) -> Judgement:
    """Whether an expectation holds over the values of all seeds.

    Each seed gives a margin; values that are compared with each other are of the same seed, so
    what the seeds have in common cancels. *holds*: the margin exceeds its standard error in nearly
    every seed (one in five may disagree, so none of three). *fails*: it lies as far below zero in
    nearly every seed. *undecided*: neither. Where the error is zero, a margin of zero meets what
    allows equality, and falls short of what does not.

    Errors: DataError for fewer than three seeds, or a margin that is not finite; UnknownNameError
    where an expectation names a value that is not there.
    """
    if len(seeds) < FEWEST_SEEDS:
        raise DataError(
            f"a claim is judged over at least {FEWEST_SEEDS} seeds; values of {len(seeds)} were "
            "given. Run more seeds"
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
    """The claim's verdict: it holds when all its expectations do, and fails when one fails."""
    verdicts = {judgement.verdict for judgement in judgements}
    if "fails" in verdicts:
        return "fails"
    return "undecided" if "undecided" in verdicts else "holds"


def _met(margin: float, error: float, strict: bool) -> bool:
    return margin > error if strict else margin >= error
