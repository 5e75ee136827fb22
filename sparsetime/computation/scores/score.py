"""Base class of scores: how important each entry of a weight matrix is."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import RegisteredComponent
from sparsetime.computation.input_statistics import InputStatistics


@final
@dataclass(frozen=True)
class ScoredMatrix:
    """What a score may read of a matrix.

    weight: the matrix. gradient: of the loss, where the score needs it. inputs: statistics of the
    rows that the matrix multiplies, where the score needs them. generator: of the random masks.
    """

    weight: Float[Tensor, "out in"]
    generator: torch.Generator
    gradient: Float[Tensor, "out in"] | None = None
    inputs: InputStatistics | None = None


class WeightScore(RegisteredComponent):
    """Importance of the entries of a weight matrix; those with the lowest scores are removed."""

    role = "weight_score"
    #: What it reads beside the weights: "inputs" of calibration data, or the "gradient" of a loss.
    needs: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def __call__(self, matrix: ScoredMatrix) -> Float[Tensor, "out in"]:
        """The score of every entry, in float32."""
