"""A check, run over its seeds and judged."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import metadata

from sparsetime import __version__
from sparsetime.claims.claim import Claim
from sparsetime.claims.lab.lab import Lab
from sparsetime.claims.verdicts.code_hash import code_version
from sparsetime.claims.verdicts.judge import FEWEST_SEEDS, combine_verdicts, judge
from sparsetime.claims.verdicts.results import ClaimRecord
from sparsetime.errors import ConfigError, DataError
from sparsetime.progress import Bar

SEEDS = (0, 1, 2)


def run_claim(
    claim: Claim, lab: Lab, seeds: Sequence[int] = SEEDS, bar: Bar | None = None
) -> ClaimRecord:
    """Run the check for every seed and judge what it expects.

    `bar` advances by one a seed.

    Errors: ConfigError for fewer than three seeds, equal seeds, or seeds as high as those that
    settings are chosen on; DataError for a value that is not finite, or not there in every seed;
    UnknownNameError where an expectation names a value that the check does not return.
    """
    _check_seeds(seeds)
    began = time.monotonic()
    version = code_version(claim.file)
    found = list(_values(claim, lab, seeds, bar or Bar(None)))
    judgements = tuple(judge(expectation, found) for expectation in claim.expects)
    return ClaimRecord(
        claim=claim.name,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        verdict=combine_verdicts(judgements),
        seeds=tuple(seeds),
        values={name: tuple(values[name] for values in found) for name in found[0]},
        judgements=judgements,
        seconds=round(time.monotonic() - began, 1),
        code=version,
        versions={
            "sparsetime": __version__,
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("torch", "numpy", "numba")},
        },
        machine={"cores": os.cpu_count(), "processor": platform.machine()},
    )


def _values(claim: Claim, lab: Lab, seeds: Sequence[int], bar: Bar) -> Iterator[dict[str, float]]:
    names: set[str] = set()
    for seed in seeds:
        bar.say(f"{claim.name}, seed {seed}")
        values = {name: float(value) for name, value in claim.check(lab, seed).items()}
        bad = [f"{name} = {value}" for name, value in values.items() if not math.isfinite(value)]
        if bad:
            raise DataError(
                f"the claim {claim.name!r} has values that are not finite for seed {seed}: "
                f"{', '.join(bad)}. Did a training diverge?"
            )
        names = names or set(values)
        if names != set(values):
            raise DataError(
                f"the claim {claim.name!r} gives other values for seed {seed} than before: "
                f"{', '.join(sorted(names ^ set(values)))}. A check returns the same names always"
            )
        for expectation in claim.expects:
            expectation.margin(values)  # a name that is not there must show after the first seed
        yield values
        bar.advance()


def _check_seeds(seeds: Sequence[int]) -> None:
    if len(set(seeds)) < max(FEWEST_SEEDS, len(seeds)):
        raise ConfigError(
            f"a claim is checked on at least {FEWEST_SEEDS} different seeds; {list(seeds)} was "
            "given"
        )
    if min(seeds) < 0 or max(seeds) >= Lab.tuning_seed:
        raise ConfigError(
            f"seeds are between 0 and {Lab.tuning_seed:,}, which settings are chosen on; "
            f"{list(seeds)} was given"
        )
