"""Dead latents in training: those that have not fired for a given number of rows."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class DeadLatentTracker:
    """Counts the rows since each latent last fired.

    rows_since: int64 [width]. dead_after: the number of rows from which on a latent is dead.
    """

    def __init__(self, width: int, dead_after: int, device: torch.device) -> None:
        self.dead_after = dead_after
        self.rows_since = torch.zeros(width, dtype=torch.int64, device=device)

    def observe(
        self, indices: Int[Tensor, " entries"], values: Float[Tensor, " entries"], rows: int
    ) -> None:
        """Count one batch of `rows` rows with the given code."""
        self.rows_since += rows
        # A minimum, because a latent may be active in one row and have a zero in another; and not
        # by a mask, whose number of entries a GPU would have to be waited for.
        silent = torch.iinfo(torch.int64).max
        since = torch.zeros_like(indices).masked_fill_(values == 0, silent)
        self.rows_since.scatter_reduce_(0, indices, since, "amin")

    @property
    def dead(self) -> Bool[Tensor, " width"]:
        """Latents that have not fired within the last `dead_after` rows."""
        return self.rows_since >= self.dead_after
