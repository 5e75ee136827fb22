"""Base class of budgets: the role that decides how many units are kept."""

from __future__ import annotations

from abc import abstractmethod

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.attention.component import AttentionComponent
from sparsetime.attention.grid import UnitGrid


class Budget(AttentionComponent):
    """Keeps some units of keys for every tile of queries, by their scores."""

    role = "budget"

    @abstractmethod
    def keep(
        self,
        score: Float[Tensor, "b h query_units key_units"],
        always: Bool[Tensor, "b h query_units key_units"],
        grid: UnitGrid,
        is_mass: bool,
    ) -> Bool[Tensor, "b h query_units key_units"]:
        """Kept pairs of units, those of `always` included.

        score is -inf where no key of the unit is readable. is_mass: whether scores are shares of
        attention mass. Units of `always` count towards the budget.
        """
