"""Base class of pairs: two views of every sequence that shall have like vectors."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Shaped
from torch import Tensor

from sparsetime.errors import DataError
from sparsetime.sequence_models.sequence_component import SequenceComponent


@final
@dataclass(frozen=True, eq=False)
class Pair:
    """Two tensors made of the same sequences, and where their steps coincide.

    first_start, second_start: the step of each at which the common part begins. common: its length
    in steps; 0 where the two share no step.
    """

    first: Shaped[Tensor, "batch steps1 ..."]
    second: Shaped[Tensor, "batch steps2 ..."]
    first_start: int = 0
    second_start: int = 0
    common: int = 0


class PairSampler(SequenceComponent):
    """A random map of sequences to pairs."""

    role: ClassVar[str] = "pair"

    @abstractmethod
    def draw(
        self, x: Shaped[Tensor, "batch steps ..."], stride: int, random: torch.Generator
    ) -> Pair:
        """A pair of a batch of sequences, the same steps in all of them.

        stride: steps of a vector, of which starts and lengths are multiples.

        Errors: DataError for sequences too short to give a pair, and for symbols where values are
        changed.
        """


def check_changeable(kind: str, x: Shaped[Tensor, "batch steps ..."]) -> None:
    """Errors: DataError for symbols, which have no noise, factor or zero."""
    if not x.is_floating_point():
        raise DataError(
            f"got symbols for pairs {kind!r}, expected values, which they change; give pair='crops'"
        )
