"""Claims: statements of papers with their checks, registered by decorator and listed by name."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from sparsetime.claims import papers
from sparsetime.claims.lab.lab import Lab
from sparsetime.claims.lab.nulls import UNTRAINED, Check, Null, Replaced
from sparsetime.claims.verdicts.expectations import (
    AtLeast,
    AtMost,
    Expectation,
    Less,
    Within,
)
from sparsetime.errors import ConfigError
from sparsetime.registry import Register, recipes

__all__ = [
    "UNTRAINED",
    "AtLeast",
    "AtMost",
    "Claim",
    "Lab",
    "Less",
    "Replaced",
    "Within",
    "claim",
    "claims",
    "get_claim",
]

LONGEST = 90  # seconds


@final
@dataclass(frozen=True)
class Claim:
    """Statement of a paper, with a check that confirms or refutes it.

    name: of the claim, and of the recipe that it is about where there is one. system: its row in
    the list of published systems, None where it is not among them. says: what is observed if it
    holds. data: what it is checked on. expects: inequalities between the values. check: from a lab
    and a seed to the values by name. seconds: about what three seeds take on two cores. notes: the
    likely reason of a failure, or what the check leaves out. uses: recipes that the check trains
    without naming them in its file, such as the default of a function. rule: the sentence of the
    list of published systems by which the row counts as working, word for word. null: the same
    values where what the claim rests on is taken away (labels permuted, an untrained dictionary,
    the baseline in the place of the recipe), so that the claim must not hold; None where none is
    written.
    """

    name: str
    system: int | None
    says: str
    data: str
    expects: tuple[Expectation, ...]
    check: Check
    seconds: int
    notes: str
    uses: tuple[str, ...] = ()
    rule: str = ""
    null: Check | None = None

    def under_null(self) -> Claim:
        """The claim with its null as the check, named as the command that runs it.

        Errors: ConfigError where no null is written.
        """
        if self.null is None:
            raise ConfigError(
                f"the claim {self.name!r} has no null; give null=... to @claim in "
                f"{self.file.name}: a function from a lab and a seed to the same values, under "
                "which the claim must not hold"
            )
        return replace(self, name=f"{self.name} --null", check=self.null, null=None)

    @property
    def file(self) -> Path:
        """File of the check."""
        return Path(str(sys.modules[self.check.__module__].__file__))

    @property
    def family(self) -> str:
        """Kind of method that the claim is about: the folder of its file."""
        return self.file.parent.name


def _families() -> Iterator[str]:
    """Packages of claims: every folder of `papers` is a family."""
    return (f"{papers.__name__}.{family.name}" for family in pkgutil.iter_modules(papers.__path__))


_CLAIMS: Register[Claim] = Register("claim", _families)


def claim(
    name: str,
    *,
    says: str,
    data: str,
    expects: Sequence[Expectation],
    system: int | None = None,
    seconds: int = LONGEST,
    notes: str = "",
    uses: Sequence[str] = (),
    former: Sequence[str] = (),
    rule: str = "",
    null: Check | Null | None = None,
) -> Callable[[Check], Check]:
    """Decorator that registers a function from a lab and a seed to values as a claim's check.

    The fields are those of `Claim`; `null` may also be a `Null`, such as UNTRAINED, that changes
    the trainings of the check. former: names of the claim in earlier versions.

    Errors: ConfigError where nothing is expected, where three seeds take more than 90 seconds, or
    for a name that another claim has.
    """
    if not expects:
        raise ConfigError(
            f"the claim {name!r} expects nothing, so it could not fail; say what its values must "
            "be with Less, AtMost, AtLeast or Within"
        )
    if not 0 < seconds <= LONGEST:
        raise ConfigError(
            f"the claim {name!r} would take {seconds} s; three seeds of a claim take at most "
            f"{LONGEST} s on two cores. Use a smaller width or fewer rows"
        )

    def register(check: Check) -> Check:
        own_null = null.of(check) if isinstance(null, Null) else null
        entry = Claim(
            name,
            system,
            says,
            data,
            tuple(expects),
            check,
            seconds,
            notes,
            tuple(uses),
            rule,
            own_null,
        )
        _CLAIMS.add(name, entry, check, former)
        return check

    return register


def claims() -> list[Claim]:
    """All claims, by name. A claim without a row of its own has the one of its recipe's card."""
    return [_with_row(registered) for registered in _CLAIMS.values()]


def get_claim(name: str) -> Claim:
    """Claim of a present or former name. Errors: UnknownNameError with the nearest names."""
    return _with_row(_CLAIMS[name])


def _with_row(claim: Claim) -> Claim:
    if claim.system is not None:
        return claim
    rows = {card.name: card.system for card in recipes()}
    return replace(claim, system=rows.get(claim.name))
