"""Records of checks: a dated line of JSON each, and the latest of every claim."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, final

from sparsetime.claims.verdicts.judge import Judgement, Verdict
from sparsetime.errors import DamagedError
from sparsetime.files import Folder

#: Results that come with the package, whether they please or not.
SHIPPED = Path(__file__).parent.parent / "results.jsonl"


@final
@dataclass(frozen=True)
class ClaimRecord:
    """What a check found.

    date: ISO 8601, UTC. values: by name, a value for every one of `seeds`. code: a hash of the
    sources that the outcome depends on (see `sparsetime.claims.verdicts.code_hash`). seconds: the
    whole check took, data that were made for it included.
    """

    claim: str
    date: str
    verdict: Verdict
    seeds: tuple[int, ...]
    values: Mapping[str, tuple[float, ...]]
    judgements: tuple[Judgement, ...]
    seconds: float
    code: str
    versions: Mapping[str, str]
    machine: Mapping[str, str | int | None]

    def spread(self, name: str) -> tuple[float, float]:
        """Mean and standard deviation of a value over the seeds."""
        by_seed = self.values[name]
        return fmean(by_seed), stdev(by_seed)


def append_record(record: ClaimRecord, path: str | os.PathLike[str]) -> None:
    """Add the record to a file of lines, which is made where there is none."""
    file = Path(path)
    Folder(str(file.parent)).append_text(file.name, json.dumps(asdict(record)) + "\n")


def latest_records(path: str | os.PathLike[str] = SHIPPED) -> dict[str, ClaimRecord]:
    """The last record of every claim in a file of lines; empty where there is no file.

    Errors: DamagedError for a line that is no record; a last line without its end is one that was
    being written, and is left out.
    """
    file = Path(path)
    if not file.exists():
        return {}
    found: dict[str, ClaimRecord] = {}
    lines = file.read_text(encoding="utf-8").split("\n")[:-1]
    for number, line in enumerate(lines, start=1):
        try:
            record = _record(json.loads(line))
        except (ValueError, TypeError, KeyError) as error:
            raise DamagedError(
                f"line {number} of {file} is no record of a claim ({error}); remove the line, or "
                "give another file"
            ) from error
        found[record.claim] = record
    return found


def _record(written: dict[str, Any]) -> ClaimRecord:
    judgements = tuple(
        Judgement(**{**one, "margins": tuple(one["margins"])}) for one in written["judgements"]
    )
    # Records of 0.1.0 have the key "figures".
    by_name = written.pop("figures") if "figures" in written else written["values"]
    values = {name: tuple(by_seed) for name, by_seed in by_name.items()}
    seeds = tuple(written["seeds"])
    return ClaimRecord(**{**written, "judgements": judgements, "values": values, "seeds": seeds})
