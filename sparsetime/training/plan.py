"""Length of a training run, and the steps after which it logs and saves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class RunPlan:
    """How many steps a run has, and after which of them something is written.

    rows_per_step: rows of a batch, counted by the log and the progress bar. snapshot_steps: the
    numbers of steps, from 1, after which the weights are kept for good.
    """

    steps: int
    rows_per_step: int
    log_every: int
    checkpoint_every: int
    snapshot_steps: tuple[int, ...] = ()

    def logs_after(self, steps_done: int) -> bool:
        """Whether a log line is due; one is after the last step."""
        return steps_done % self.log_every == 0 or steps_done == self.steps
