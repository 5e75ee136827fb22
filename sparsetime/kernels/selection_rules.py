"""Selection rules: which pre-activations stay. A rule says what, the kernels say how."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from torch import Tensor


@dataclass(frozen=True)
class TopKRule:
    """The k largest of every row, as far as they are positive."""

    k: int


@dataclass(frozen=True)
class BatchTopKRule:
    """The `k * rows` largest of the whole batch, as far as they are positive."""

    k: int


@dataclass(frozen=True)
class AbsTopKRule:
    """The k largest of every row by magnitude, of either sign, as far as they are not zero."""

    k: int


@dataclass(frozen=True)
class ThresholdRule:
    """Every entry above its latent's threshold: [width], or one number for all (shape [])."""

    threshold: Tensor


@dataclass(frozen=True)
class TopKPerRowRule:
    """The `k[row]` largest of every row, as far as they are positive. k: int64 [rows]."""

    k: Tensor


@dataclass(frozen=True)
class NearTopKRule:
    """Every entry that is less than its row's margin below the k-th largest of the row, or above.

    Where fewer than k entries are positive, everything above minus the margin. It holds all that
    TopK keeps of exact values when the entries are off by at most half the margin.

    margin: [rows]; magnitude: entries are compared without their sign.
    """

    k: int
    margin: Tensor
    magnitude: bool = False


Rule: TypeAlias = (
    TopKRule | BatchTopKRule | AbsTopKRule | ThresholdRule | TopKPerRowRule | NearTopKRule
)


def rule_of_rows(rule: Rule, start: int, stop: int) -> Rule:
    """The rule for rows `start` to `stop` (exclusive) of those that it was made for."""
    match rule:
        case TopKPerRowRule(k):
            return TopKPerRowRule(k[start:stop])
        case NearTopKRule():
            return replace(rule, margin=rule.margin[start:stop])
        case _:
            return rule
