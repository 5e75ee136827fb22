"""Padding of a batch of tokens: moved to the end for the model, and back for the caller."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from sparsetime.interventions.patch import Patch


@final
class PaddingLast:
    """The order of the steps of every row in which its padding comes last.

    A model numbers positions from the first step of a row on, and most models have no argument to
    say otherwise. With padding last, real tokens have the positions that they have alone.

    mask: [batch, time], False for padding, wherever it stands.
    """

    def __init__(self, mask: Bool[Tensor, "batch time"]) -> None:
        self._order = mask.int().argsort(dim=1, descending=True, stable=True)
        self._back = self._order.argsort(dim=1)
        self.is_last_already = bool((mask[:, 1:] <= mask[:, :-1]).all())

    def moved(self, x: Shaped[Tensor, "batch time *rest"]) -> Shaped[Tensor, "batch time *rest"]:
        """The steps with padding last, as the model reads them."""
        return x if self.is_last_already else _taken(x, self._order)

    def moved_back(
        self, x: Shaped[Tensor, "batch time *rest"]
    ) -> Shaped[Tensor, "batch time *rest"]:
        """The steps where the caller has them."""
        return x if self.is_last_already else _taken(x, self._back)

    def around(self, replace: Patch) -> Patch:
        """The patch for a model that reads padding last; `replace` sees the caller's order."""
        if self.is_last_already:
            return replace
        return lambda x: self.moved(replace(self.moved_back(x)))


def _taken(x: Tensor, order: Tensor) -> Tensor:
    index = order.to(x.device).reshape(*order.shape, *([1] * (x.ndim - 2)))
    return torch.take_along_dim(x, index, dim=1)
