"""Base class of budgets: the role that decides how many units are kept."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Bool, Float, Shaped
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


def first_units(
    rank: Float[Tensor, "b h m n"], amount: Shaped[Tensor, "*b_h_m n"], limit: float
) -> Bool[Tensor, "b h m n"]:
    """The first units in order of rank whose amounts together reach a limit; at least one."""
    order = rank.argsort(-1, descending=True)
    held = amount.expand_as(rank).gather(-1, order)
    before = held.cumsum(-1) - held
    first = torch.arange(order.shape[-1], device=order.device) == 0
    kept = torch.zeros_like(rank, dtype=torch.bool)
    return kept.scatter_(-1, order, (before < limit) | first)
