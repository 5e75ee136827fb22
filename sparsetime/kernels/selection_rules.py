"""Selection rules: definitions of the entries of a product that selection keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from torch import Tensor

#: Latents from which entries are selected within the product of 8-bit integers.
LEAST_OF_INTEGERS = 1024


@dataclass(frozen=True)
class TopKRule:
    """The k largest positive entries of every row."""

    k: int


@dataclass(frozen=True)
class BatchTopKRule:
    """The `k * rows` largest positive entries of the whole batch."""

    k: int


@dataclass(frozen=True)
class AbsTopKRule:
    """The k nonzero entries of largest magnitude of every row, of either sign."""

    k: int


@dataclass(frozen=True)
class ThresholdRule:
    """All entries above the threshold of their latent: [width], or [] for one of all latents."""

    threshold: Tensor


@dataclass(frozen=True)
class TopKPerRowRule:
    """The `k[row]` largest positive entries of every row. k: int64 [rows]."""

    k: Tensor


@dataclass(frozen=True)
class NearTopKRule:
    """All entries above the k-th largest of their row less a margin.

        entry > max(0, k-th largest) - margin[row]

    It contains all entries that TopKRule keeps of exact values, where the error of every entry is
    at most half the margin. margin: [rows]; magnitude: entries are compared by magnitude.
    """

    k: int
    margin: Tensor
    magnitude: bool = False


Rule: TypeAlias = (
    TopKRule | BatchTopKRule | AbsTopKRule | ThresholdRule | TopKPerRowRule | NearTopKRule
)


def rule_of_rows(rule: Rule, start: int, stop: int) -> Rule:
    """The rule restricted to rows `start` to `stop` (exclusive) of its rows."""
    match rule:
        case TopKPerRowRule(k):
            return TopKPerRowRule(k[start:stop])
        case NearTopKRule():
            return replace(rule, margin=rule.margin[start:stop])
        case _:
            return rule
