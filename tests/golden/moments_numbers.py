"""Golden numbers of moments: what every finder finds in made sequences, and these sequences."""

from __future__ import annotations

from sparsetime.moments.find_moments import find_moments
from sparsetime.registry import components_of
from sparsetime.testbeds.haystack.haystacks import haystacks


def moments() -> dict[str, dict[str, float]]:
    """The sum of the first steps and of the scores by finder."""
    bed = haystacks(2, time=240, events=3, d=16, scene=40)
    by_finder = {}
    for kind in components_of("moment_finder"):
        table = find_moments(bed.rows, kind, query=bed.queries[0], budget=6).table
        by_finder[f"{kind}, steps"] = float(sum(table["first_step"].to_pylist()))
        by_finder[f"{kind}, scores"] = float(sum(table["score"].to_pylist()))
    return {
        "moments.find_moments": by_finder,
        "testbeds.haystack.haystacks": {"rows": bed.rows.double().sum().item()},
    }
