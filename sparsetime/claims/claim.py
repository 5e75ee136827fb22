"""The register of claims, and all that a claim's file needs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, final

from sparsetime.claims.lab.lab import Lab
from sparsetime.claims.verdicts.expectations import (
    AtLeast,
    AtMost,
    Expectation,
    Less,
    Within,
)
from sparsetime.errors import ConfigError, unknown_name
from sparsetime.registry import read_folder

__all__ = ["AtLeast", "AtMost", "Claim", "Lab", "Less", "Within", "claim", "claims", "get_claim"]

Check: TypeAlias = Callable[[Lab, int], dict[str, float]]
LONGEST = 90  # seconds


@final
@dataclass(frozen=True)
class Claim:
    """What a paper claims, and how it is checked.

    name: of the claim, and of the recipe that it is about where there is one. system: its number
    in the list of published systems, None where it is not among them. says: what would be seen if
    it held. data: what it is checked on. expects: what must be true of the values. check: from a
    lab and a seed to the values by name. seconds: about what three seeds take on two cores. notes:
    the likely reason where it fails, or what the check leaves out.
    """

    name: str
    system: int | None
    says: str
    data: str
    expects: tuple[Expectation, ...]
    check: Check
    seconds: int
    notes: str

    @property
    def file(self) -> Path:
        """Where its check is written."""
        return Path(str(sys.modules[self.check.__module__].__file__))


_CLAIMS: dict[str, Claim] = {}


def claim(
    name: str,
    *,
    says: str,
    data: str,
    expects: Sequence[Expectation],
    system: int | None = None,
    seconds: int = LONGEST,
    notes: str = "",
) -> Callable[[Check], Check]:
    """Decorator: register a function from a lab and a seed to values as the check of a claim.

    Errors: ConfigError where nothing is expected, or where three seeds take more than 90 seconds.
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
        _CLAIMS[name] = Claim(name, system, says, data, tuple(expects), check, seconds, notes)
        return check

    return register


def claims() -> list[Claim]:
    """All claims, by name."""
    read_folder("sparsetime.claims.papers.dictionaries")
    return [_CLAIMS[name] for name in sorted(_CLAIMS)]


def get_claim(name: str) -> Claim:
    """The claim of that name. Errors: UnknownNameError with the nearest names."""
    claims()
    if name not in _CLAIMS:
        raise unknown_name("claim", name, _CLAIMS)
    return _CLAIMS[name]
