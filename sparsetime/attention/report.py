"""Report of a run under attention policies: what each head read, by module and phase."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

from torch import Tensor

from sparsetime.attention.policy import Phase
from sparsetime.attention_pattern import AttentionPattern


@final
@dataclass(frozen=True, eq=False)
class AttentionCall:
    """One sparse call of an attention module.

    module: its path in the model; step: calls of it since the sequence began. select_seconds and
    attend_seconds: time of choosing and of computing. key_bytes: bytes of a key and its value.
    batch, heads: of the queries, which may share a pattern. mass_kept [batch, heads]: mean share of
    dense attention's mass on the read keys; output_error [batch, heads]: relative error of the
    output. Both are None unless the run measures them.
    """

    module: str
    layer: int
    phase: Phase
    step: int
    pattern: AttentionPattern
    select_seconds: float
    attend_seconds: float
    key_bytes: int
    batch: int
    heads: int
    mass_kept: Tensor | None = None
    output_error: Tensor | None = None


@final
@dataclass(frozen=True)
class HeadReads:
    """What one head of a module read in one phase, over all recorded calls.

    pairs and readable_pairs: pairs of a query and a key, read and readable. bytes_read: of keys and
    values that its tiles loaded. mass_kept, output_error: means over calls, None if not measured.
    """

    module: str
    phase: Phase
    head: int
    calls: int
    pairs: int
    readable_pairs: int
    bytes_read: int
    mass_kept: float | None
    output_error: float | None

    @property
    def sparsity(self) -> float:
        """Share of the readable pairs that was left out."""
        return 1 - self.pairs / max(1, self.readable_pairs)


@final
@dataclass(frozen=True)
class AttentionReport:
    """Reads by module, head and phase; seconds by module and phase; what was left dense.

    seconds: by module and phase, the time of choosing keys and of attending to them.
    """

    heads: tuple[HeadReads, ...]
    seconds: Mapping[tuple[str, Phase], tuple[float, float]]
    dense_layers: Mapping[str, str]

    @staticmethod
    def of(calls: Sequence[AttentionCall], dense_layers: Mapping[str, str]) -> AttentionReport:
        """The report of recorded calls."""
        groups: dict[tuple[str, Phase], list[AttentionCall]] = {}
        for call in calls:
            groups.setdefault((call.module, call.phase), []).append(call)
        heads = [_reads(group, head) for group in groups.values() for head in range(group[0].heads)]
        seconds = {
            key: (sum(c.select_seconds for c in group), sum(c.attend_seconds for c in group))
            for key, group in groups.items()
        }
        return AttentionReport(tuple(heads), seconds, dict(dense_layers))

    def sparsity(self, phase: Phase | None = None) -> float:
        """Share of the readable pairs that all heads left out; of one phase, or of both.

        NaN where no sparse call was recorded.
        """
        heads = [head for head in self.heads if phase in (None, head.phase)]
        read, readable = (sum(getattr(h, n) for h in heads) for n in ("pairs", "readable_pairs"))
        return float(1 - read / readable) if readable else math.nan

    def to_json(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "heads": [{**asdict(head), "sparsity": head.sparsity} for head in self.heads],
            "seconds": [
                {"module": module, "phase": phase, "select": select, "attend": attend}
                for (module, phase), (select, attend) in self.seconds.items()
            ],
            "dense_layers": dict(self.dense_layers),
        }


def _reads(calls: Sequence[AttentionCall], head: int) -> HeadReads:
    first = calls[0]
    return HeadReads(
        first.module,
        first.phase,
        head,
        len(calls),
        sum(_of_head(c, c.pattern.pairs_of_heads, head) for c in calls),
        sum(
            c.pattern.readable_pairs * c.batch // (c.pattern.batch * c.pattern.heads) for c in calls
        ),
        sum(_of_head(c, c.pattern.listed_keys, head) * c.key_bytes for c in calls),
        _mean([call.mass_kept for call in calls], head),
        _mean([call.output_error for call in calls], head),
    )


def _of_head(call: AttentionCall, counts: Tensor, head: int) -> int:
    """Counts [batch, heads] of a pattern for one head of queries, which may share the pattern's."""
    own = counts[:, head * call.pattern.heads // call.heads].sum()
    return int(own) * call.batch // call.pattern.batch


def _mean(values: Sequence[Tensor | None], head: int) -> float | None:
    """Mean over calls of a value [batch, heads] of one head."""
    kept = [float(v[:, head].mean()) for v in values if v is not None]
    return float(statistics.fmean(kept)) if kept else None
