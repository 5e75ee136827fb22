"""Base class of structures: which patterns the kept entries of a matrix may form."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import RegisteredComponent


class Structure(RegisteredComponent):
    """A pattern of kept entries of a matrix, and the mask of the highest scores that has it."""

    role = "structure"

    def objection(self, shape: tuple[int, int], sparsity: float) -> str | None:
        """Why a matrix [out, in] cannot have this structure at a sparsity; None where it can."""
        del shape, sparsity
        return None

    @abstractmethod
    def mask(self, scores: Float[Tensor, "out in"], sparsity: float) -> Bool[Tensor, "out in"]:
        """The mask that keeps the highest scores, with a share `sparsity` left out.

        The number of entries is rounded to what the structure allows.
        """

    @abstractmethod
    def holds(self, mask: Bool[Tensor, "out in"]) -> bool:
        """Whether a mask has the structure."""


def kept_count(count: int, sparsity: float) -> int:
    """How many of `count` entries are kept at a sparsity."""
    return round(count * (1 - sparsity))


def top_mask(scores: Float[Tensor, "*lines entries"], kept: int) -> Bool[Tensor, "*lines entries"]:
    """True at the `kept` largest entries of the last axis; of equal ones, at the first.

    The sort is stable, so that equal scores give equal masks on all devices and processes.
    """
    if kept >= scores.shape[-1]:
        return torch.ones_like(scores, dtype=torch.bool)
    order = scores.sort(dim=-1, descending=True, stable=True).indices[..., :kept]
    return torch.zeros_like(scores, dtype=torch.bool).scatter_(-1, order, True)
