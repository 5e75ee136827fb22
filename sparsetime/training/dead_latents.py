"""Dead latents in training: those that have not fired for far longer than an average one."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.dictionaries.partition import WHOLE, Partition

#: A latent is dead once an average latent has fired this often without it.
_MEAN_FIRINGS = 32


class DeadLatentTracker:
    """Counts rows, and active entries of the codes, since each latent last fired.

        dead_i:  rows since i fired >= dead_after
        dead_i:  active entries since i fired >= 32 · width,    where dead_after is None

    An average latent has one in `width` of the active entries, so the second line holds once an
    average latent would have fired 32 times. It follows width and L0 by itself, and a training of
    any length treats a latent that fires as often in the same way.

    rows_since, entries_since: int64 [width]. partition: the latents and rows that this process has;
    `width` counts its latents.
    """

    def __init__(
        self,
        width: int,
        dead_after: int | None,
        device: torch.device,
        partition: Partition = WHOLE,
    ) -> None:
        self.dead_after = dead_after
        self._partition = partition
        self.rows_since = torch.zeros(width, dtype=torch.int64, device=device)
        self.entries_since = torch.zeros_like(self.rows_since)

    def observe(
        self, indices: Int[Tensor, " entries"], values: Float[Tensor, " entries"], rows: int
    ) -> None:
        """Count one batch of `rows` rows with the given code."""
        active = values != 0
        self.rows_since += self._partition.all_rows(rows)
        self.entries_since += self._partition.sum_over_entries(active.sum())
        # A minimum, because a latent may be active in one row and have a zero in another; and not
        # by a mask, whose number of entries a GPU would have to be waited for.
        silent = torch.iinfo(torch.int64).max
        since = torch.full_like(self.rows_since, silent)
        since.scatter_reduce_(0, indices, torch.where(active, 0, silent), "amin")
        for count in (self.rows_since, self.entries_since):
            torch.minimum(count, since, out=count)
            count.copy_(self._partition.least_over_rows(count))

    @property
    def dead(self) -> Bool[Tensor, " width"]:
        """Latents that have not fired for so long that they count as dead."""
        if self.dead_after is not None:
            return self.rows_since >= self.dead_after
        return self.entries_since >= _MEAN_FIRINGS * self._partition.all_latents(
            self.entries_since.numel()
        )
