"""Selection rules: which pre-activations stay. A rule says what, the kernels say how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor


@dataclass(frozen=True)
class TopK:
    """The k largest of every row, as far as they are positive."""

    k: int


@dataclass(frozen=True)
class BatchTopK:
    """The `k * rows` largest of the whole batch, as far as they are positive."""

    k: int


@dataclass(frozen=True)
class AbsTopK:
    """The k largest of every row by magnitude, of either sign, as far as they are not zero."""

    k: int


@dataclass(frozen=True)
class Above:
    """Every entry above its latent's threshold: [width], or one number for all (shape [])."""

    threshold: Tensor


Rule: TypeAlias = TopK | BatchTopK | AbsTopK | Above
