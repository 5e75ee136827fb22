"""Base class of structures: which patterns the kept entries of a matrix may form."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
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


_PARTITIONED = (torch.float32, torch.float64)


def kept_count(count: int, sparsity: float) -> int:
    """How many of `count` entries are kept at a sparsity."""
    return round(count * (1 - sparsity))


def top_mask(scores: Float[Tensor, "*lines entries"], kept: int) -> Bool[Tensor, "*lines entries"]:
    """True at the `kept` largest entries of the last axis; of equal ones, at the first.

    Equal scores give equal masks on all devices and processes. On a CPU the lowest kept score is
    found by a partition, in a fiftieth of the time of a stable sort; the mask is that of the sort.
    """
    if kept >= scores.shape[-1]:
        return torch.ones_like(scores, dtype=torch.bool)
    if kept < 1:
        return torch.zeros_like(scores, dtype=torch.bool)
    if scores.device.type == "cpu" and scores.dtype in _PARTITIONED and not scores.isnan().any():
        return _top_mask_by_partition(scores.detach(), kept)
    order = scores.sort(dim=-1, descending=True, stable=True).indices[..., :kept]
    return torch.zeros_like(scores, dtype=torch.bool).scatter_(-1, order, True)


def _top_mask_by_partition(
    scores: Float[Tensor, "*lines entries"], kept: int
) -> Bool[Tensor, "*lines entries"]:
    place = scores.shape[-1] - kept
    lowest = torch.from_numpy(np.partition(scores.numpy(), place, axis=-1)[..., place])[..., None]
    mask = scores > lowest
    missing = kept - mask.sum(-1, keepdim=True)
    equal = scores == lowest
    if bool((equal.sum(-1, keepdim=True) > missing).any()):
        equal &= equal.cumsum(-1) <= missing
    return mask | equal
