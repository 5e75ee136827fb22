"""Records of claims: a dated line of JSON each, and the latest of every claim."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, final

from sparsetime.claims.verdicts.fingerprint import Fingerprint
from sparsetime.claims.verdicts.judge import Judgement, Verdict
from sparsetime.errors import DamagedError
from sparsetime.files import Folder
from sparsetime.files.checksum import check
from sparsetime.files.formats import parsed

VERSION = 1  # schema of a line
#: Results that come with the package, failures included.
SHIPPED = Path(__file__).parent.parent / "results.jsonl"


@final
@dataclass(frozen=True)
class ClaimRecord:
    """Result of a check.

    date: ISO 8601, UTC. values: by name, a value for every one of `seeds`. seconds: of the whole
    check, with data that were made for it. fingerprint: what decided the outcome; None for a record
    of 0.1.0 whose sources are not known.
    """

    claim: str
    date: str
    verdict: Verdict
    seeds: tuple[int, ...]
    values: Mapping[str, tuple[float, ...]]
    judgements: tuple[Judgement, ...]
    seconds: float
    versions: Mapping[str, str]
    machine: Mapping[str, str | int | None]
    fingerprint: Fingerprint | None = None

    def spread(self, name: str) -> tuple[float, float]:
        """Mean and standard deviation of a value over the seeds."""
        by_seed = self.values[name]
        return fmean(by_seed), stdev(by_seed)


def append_record(record: ClaimRecord, path: str | os.PathLike[str]) -> None:
    """Appends the record to a file of lines, which is created where there is none."""
    file = Path(path)
    Folder(str(file.parent)).append_lines(file.name, [asdict(record)], VERSION)


def latest_records(path: str | os.PathLike[str] = SHIPPED) -> dict[str, ClaimRecord]:
    """Last record of every claim in a file of lines; empty where there is no file.

    A last line without its end was being written, and is left out.

    Errors: DamagedError for a line that is no record.
    """
    file = Path(path)
    if not file.exists():
        return {}
    records: dict[str, ClaimRecord] = {}
    lines = file.read_bytes().split(b"\n")[:-1]
    for number, line in enumerate(lines, start=1):
        where, again = f"line {number} of {file}", "Remove the line, or give another file"
        try:
            check(line, where, VERSION, again)
            record = _record(parsed(line, where, again))
        except (ValueError, TypeError, KeyError, AttributeError, DamagedError) as error:
            raise DamagedError(
                f"{where} is no record of a claim ({error}); remove the line, or give another file"
            ) from error
        records[record.claim] = record
    return records


def _record(saved: Any) -> ClaimRecord:
    """Errors: KeyError, TypeError, AttributeError for what is no record."""
    judgements = tuple(
        Judgement(**{**judgement, "margins": tuple(judgement["margins"])})
        for judgement in saved["judgements"]
    )
    # 0.1.0 wrote "figures", and a hash of all its sources as "code".
    by_name = saved.pop("figures") if "figures" in saved else saved["values"]
    saved.pop("code", None)
    stored = saved.get("fingerprint")
    return ClaimRecord(
        **{
            **saved,
            "judgements": judgements,
            "values": {name: tuple(by_seed) for name, by_seed in by_name.items()},
            "seeds": tuple(saved["seeds"]),
            "fingerprint": None if stored is None else Fingerprint(**stored),
        }
    )
