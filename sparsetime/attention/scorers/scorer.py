"""Base class of scorers: the role that estimates how important units of keys are."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from sparsetime.attention.component import AttentionComponent
from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs


class Scorer(AttentionComponent):
    """Estimates the importance of every unit of keys to every tile of queries.

    A scorer whose scores are shares of attention mass sets `is_mass`; a budget that keeps mass
    turns other scores into shares by a softmax over units.
    """

    role = "scorer"
    is_mass: bool = False

    @abstractmethod
    def score(
        self, inputs: AttentionInputs, grid: UnitGrid
    ) -> Float[Tensor, "b heads query_units key_units"]:
        """Scores of pairs of units; higher is more important. query_units may be 1 for all."""

    def observe(self, inputs: AttentionInputs) -> None:
        """Keep what later steps need, of a call that is dense; most scorers need nothing."""

    def fit(self, calls: Sequence[AttentionInputs]) -> None:
        """Learn from calls of the model's attention modules, in any order."""
