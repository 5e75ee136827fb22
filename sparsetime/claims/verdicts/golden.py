"""Golden numbers that come with the package: results of tiny trainings and of the lab's tools."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

#: Numbers of one recipe, composition or tool of the lab, by metric.
Numbers: TypeAlias = Mapping[str, float]

GOLDEN = Path(__file__).parent.parent / "golden.json"
RELATIVE, ABSOLUTE = 1e-3, 1e-6


@cache
def golden_numbers() -> dict[str, dict[str, float]]:
    """The shipped numbers: by recipe, by composition, and by tool of the lab ("lab.train").

    A test of the suite compares them with its own golden numbers, and these with a fresh run.
    """
    numbers: dict[str, dict[str, float]] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return numbers


def summarise(recorded: Mapping[str, Any]) -> dict[str, float]:
    """Numbers of one entry of the suite's golden file: ends of its curves, sums of its code.

    recorded: has `curves`, a list of numbers each. Other entries that are numbers are kept.
    """
    numbers: dict[str, float] = {}
    for name, curve in recorded.get("curves", {}).items():
        numbers |= {f"{name} first": curve[0], f"{name} last": curve[-1]}
    numbers |= {
        name: value
        for name, value in recorded.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return {name: float(f"{value:.7g}") for name, value in numbers.items()}


def agree(stored: Numbers, current: Numbers) -> bool:
    """Whether every stored number is there and equal, to 1e-3 of its size or 1e-6."""
    return all(
        name in current and math.isclose(value, current[name], rel_tol=RELATIVE, abs_tol=ABSOLUTE)
        for name, value in stored.items()
    )
