"""Base class of masks: which vectors of a sequence are hidden."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, TypeAlias

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor

from sparsetime.errors import DataError
from sparsetime.sequence_models.sequence_component import SequenceComponent
from sparsetime.sequence_models.views.vector_layout import VectorLayout

#: A share of all vectors, neither none nor all of them.
Share: TypeAlias = Annotated[float, Field(gt=0, lt=1)]


class Mask(SequenceComponent):
    """A random choice of hidden vectors, equally many in every sequence.

    share: of the vectors that are hidden, rounded to whole ones.
    """

    role: ClassVar[str] = "mask"

    @abstractmethod
    def draw(
        self,
        vectors: Float[Tensor, "batch time d"],
        layout: VectorLayout,
        random: torch.Generator,
    ) -> Bool[Tensor, "batch time"]:
        """Whether each vector is hidden. vectors: those of the view, which a learnt mask reads.

        Errors: DataError for a sequence with too few vectors to hide some and leave some.
        """

    def loss(
        self, errors: Float[Tensor, "batch time"], hidden: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, ""] | None:
        """What a learnt mask is trained on, given the error of every hidden vector; else None."""
        return None


def whole_number(share: float, count: int, what: str) -> int:
    """How many of `count` are hidden.

    Errors: DataError where none or all would be.
    """
    hidden = round(share * count)
    if not 0 < hidden < count:
        raise DataError(
            f"got {count} {what} of which share={share} is hidden, expected at least one that is "
            "and one that is not; give longer sequences, smaller patches or another share"
        )
    return hidden


def random_groups(
    share: float, batch: int, count: int, what: str, random: torch.Generator
) -> Bool[Tensor, "batch count"]:
    """A share of `count` groups of vectors, drawn uniformly for every sequence, on the CPU.

    Errors: as `whole_number`.
    """
    hidden = whole_number(share, count, what)
    return smallest(torch.rand(batch, count, generator=random), hidden)


def smallest(scores: Float[Tensor, "batch count"], count: int) -> Bool[Tensor, "batch count"]:
    """Marks the `count` smallest scores of every row."""
    chosen = scores.topk(count, 1, largest=False).indices
    return torch.zeros_like(scores, dtype=torch.bool).scatter(1, chosen, True)
