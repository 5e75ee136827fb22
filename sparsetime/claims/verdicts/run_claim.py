"""Run of a claim: its check over several seeds, judged and recorded."""

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
from sparsetime.claims.verdicts.fingerprint import fingerprint
from sparsetime.claims.verdicts.golden import golden_numbers
from sparsetime.claims.verdicts.judge import FEWEST_SEEDS, combine_verdicts, judge
from sparsetime.claims.verdicts.results import ClaimRecord
from sparsetime.errors import ConfigError, DataError
from sparsetime.progress import Bar

SEEDS = (0, 1, 2)


def run_claim(
    claim: Claim, lab: Lab, seeds: Sequence[int] = SEEDS, bar: Bar | None = None
) -> ClaimRecord:
    """Runs the check for every seed and judges its expectations; `bar` advances by one a seed.

    Errors: ConfigError for fewer than three seeds, equal seeds, or seeds as high as those that
    settings are chosen on; DataError for a value that is not finite or missing in a seed, or for
    a recipe that was trained and is neither named in the claim's file nor in its `uses`;
    UnknownNameError where an expectation names a value that the check does not return.
    """
    _check_seeds(seeds)
    began = time.monotonic()
    decisive = fingerprint(claim)
    lab.trained.clear()
    by_seed = list(_values(claim, lab, seeds, bar or Bar(None)))
    judgements = tuple(judge(expectation, by_seed) for expectation in claim.expects)
    return ClaimRecord(
        claim=claim.name,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        verdict=combine_verdicts(judgements),
        seeds=tuple(seeds),
        values={name: tuple(values[name] for values in by_seed) for name in by_seed[0]},
        judgements=judgements,
        seconds=round(time.monotonic() - began, 1),
        versions={
            "sparsetime": __version__,
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("torch", "numpy", "numba")},
        },
        machine={"cores": os.cpu_count(), "processor": platform.machine()},
        fingerprint=decisive,
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
            expectation.margin(values)  # raises on an unknown name after the first seed already
        _check_uses(claim, lab)
        yield values
        bar.advance()


def _check_uses(claim: Claim, lab: Lab) -> None:
    missing = lab.trained & golden_numbers().keys() - fingerprint(claim).golden.keys()
    if missing:
        raise DataError(
            f"the claim {claim.name!r} trained {', '.join(sorted(missing))}, which its file does "
            "not name, so that its record would not follow a change there; add uses=[...] to @claim"
        )


def _check_seeds(seeds: Sequence[int]) -> None:
    if len(set(seeds)) < max(FEWEST_SEEDS, len(seeds)):
        raise ConfigError(
            f"got the seeds {list(seeds)}, expected at least {FEWEST_SEEDS} different seeds; give "
            "more"
        )
    if min(seeds) < 0 or max(seeds) >= Lab.tuning_seed:
        raise ConfigError(
            f"got the seeds {list(seeds)}, expected seeds from 0 to below {Lab.tuning_seed:,}, "
            "which settings are chosen on; give smaller ones"
        )
