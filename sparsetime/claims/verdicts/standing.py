"""Status of every claim: its last record, and whether that still stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

from sparsetime.claims.claim import Claim
from sparsetime.claims.verdicts.fingerprint import fingerprint, outdated
from sparsetime.claims.verdicts.results import ClaimRecord


@final
@dataclass(frozen=True)
class Standing:
    """A claim, its last record, and the reasons for which that is outdated (none: it stands)."""

    claim: Claim
    record: ClaimRecord | None
    reasons: tuple[str, ...]

    @property
    def stands(self) -> bool:
        """Whether there is a record that a new run would only repeat."""
        return self.record is not None and not self.reasons

    def to_json(self) -> dict[str, Any]:
        """Row of `sparsetime claim --json`."""
        return {
            "name": self.claim.name,
            "system": self.claim.system,
            "family": self.claim.family,
            "says": self.claim.says,
            "verdict": self.record.verdict if self.record else None,
            "date": self.record.date if self.record else None,
            "stands": self.stands,
            "outdated": list(self.reasons),
        }


def standings(claims: Iterable[Claim], records: Mapping[str, ClaimRecord]) -> list[Standing]:
    """Status of each claim, by comparing stored with shipped numbers; nothing is run."""
    return [_standing(claim, records.get(claim.name)) for claim in claims]


def _standing(claim: Claim, record: ClaimRecord | None) -> Standing:
    reasons = [] if record is None else outdated(record.fingerprint, fingerprint(claim))
    return Standing(claim, record, tuple(reasons))
